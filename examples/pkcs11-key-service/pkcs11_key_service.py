#!/usr/bin/env python3
"""Signs with the keys of a PKCS #11 token, for whoever may use a Unix socket.

It answers the two calls of aziot-keyd (interface 2021-05-01) that a gateway needs: GET /key/{id} and POST /sign with
HMAC-SHA256. The PIN and the token's library are in this process only. Needs Python 3.9 and PyKCS11 (Debian:
python3-pykcs11).

  pkcs11_key_service.py serve  --module LIB --token LABEL --pin-file FILE --socket PATH [--mode 600]
  pkcs11_key_service.py import --module LIB --token LABEL --pin-file FILE --label KEY  < key.base64
"""

import argparse
import base64
import contextlib
import json
import os
import socketserver
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

import PyKCS11
from PyKCS11.LowLevel import (
    CKA_CLASS,
    CKA_EXTRACTABLE,
    CKA_KEY_TYPE,
    CKA_LABEL,
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_SIGN,
    CKA_TOKEN,
    CKA_VALUE,
    CKF_RW_SESSION,
    CKF_SERIAL_SESSION,
    CKK_GENERIC_SECRET,
    CKM_SHA256_HMAC,
    CKO_SECRET_KEY,
    CK_FALSE,
    CK_TRUE,
)

MAX_BODY = 65_536
SECONDS_PER_REQUEST = 10


class NotFound(Exception):
    """There is no such key."""


class Token:
    """One token, logged in; one call at a time, as many of them want it, and each in a session of its own."""

    def __init__(self, module, label, pin):
        library = PyKCS11.PyKCS11Lib()
        library.load(module)
        slot = next((s for s in library.getSlotList(tokenPresent=True) if named(library, s) == label), None)
        if slot is None:
            raise SystemExit(f"There is no token {label!r} behind {module}")
        self._library, self._slot = library, slot
        self._login = library.openSession(slot)
        self._login.login(pin)
        self._lock = threading.Lock()

    def sign(self, label, data):
        with self._session() as session:
            key = find(session, label)
            return bytes(session.sign(key, data, PyKCS11.Mechanism(CKM_SHA256_HMAC, None)))

    def has(self, label):
        with self._session() as session:
            find(session, label)

    def put(self, label, key):
        """Takes a key in that can sign, and never comes out again."""
        with self._session(CKF_RW_SESSION) as session:
            session.createObject(
                [
                    (CKA_CLASS, CKO_SECRET_KEY),
                    (CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                    (CKA_LABEL, label),
                    (CKA_TOKEN, CK_TRUE),
                    (CKA_PRIVATE, CK_TRUE),
                    (CKA_SENSITIVE, CK_TRUE),
                    (CKA_EXTRACTABLE, CK_FALSE),
                    (CKA_SIGN, CK_TRUE),
                    (CKA_VALUE, key),
                ]
            )

    @contextlib.contextmanager
    def _session(self, flags=0):
        with self._lock:
            session = self._library.openSession(self._slot, CKF_SERIAL_SESSION | flags)
            try:
                yield session
            finally:
                session.closeSession()


def find(session, label):
    found = session.findObjects([(CKA_CLASS, CKO_SECRET_KEY), (CKA_LABEL, label)])
    if len(found) != 1:
        raise NotFound(f"{len(found)} keys are called {label!r}")
    return found[0]


def named(library, slot):
    return library.getTokenInfo(slot).label.strip().rstrip("\0")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SECONDS_PER_REQUEST

    def do_GET(self):
        self._answer(self._load)

    def do_POST(self):
        self._answer(self._sign)

    def _load(self, path):
        if not path.startswith("/key/"):
            return 404, {"message": "not found"}
        label = unquote(path[len("/key/") :])
        self.server.token.has(label)
        return 200, {"keyHandle": label}

    def _sign(self, path):
        if path != "/sign":
            return 404, {"message": "not found"}
        length = int(self.headers.get("content-length", "-1"))
        if not 0 <= length <= MAX_BODY:
            return 413, {"message": "the body is too long, or its length is missing"}
        question = json.loads(self.rfile.read(length))
        if question["algorithm"] != "HMAC-SHA256":
            return 400, {"message": "only HMAC-SHA256 is done here"}
        message = base64.b64decode(question["parameters"]["message"], validate=True)
        signature = self.server.token.sign(str(question["keyHandle"]), message)
        return 200, {"signature": base64.b64encode(signature).decode()}

    def _answer(self, act):
        try:
            status, body = act(urlsplit(self.path).path)
        except NotFound as problem:
            status, body = 404, {"message": str(problem)}
        except (ValueError, KeyError, TypeError):
            status, body = 400, {"message": "the request cannot be read"}
        except PyKCS11.PyKCS11Error as problem:
            status, body = 500, {"message": f"the token failed: {problem}"}
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(payload)
        self.close_connection = True

    def log_message(self, *_):
        """Says nothing: questions hold what is signed."""

    def address_string(self):
        return "socket"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def serve(token, path, mode):
    if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
        os.unlink(path)
    before = os.umask(0o177)
    server = Server(path, Handler)
    os.umask(before)
    os.chmod(path, mode)
    server.token = token
    print(f"Signing at {path}", flush=True)
    try:
        server.serve_forever()
    finally:
        os.unlink(path)


def read_pin(path):
    if os.stat(path).st_mode & 0o077:
        raise SystemExit(f"Others can read {path}: change the PIN, then run: chmod 600 {path}")
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def main():
    parser = argparse.ArgumentParser(description="Signs with the keys of a PKCS #11 token.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "import"):
        command = commands.add_parser(name)
        command.add_argument("--module", required=True, help="the token's library")
        command.add_argument("--token", required=True, help="the token's label")
        command.add_argument("--pin-file", required=True, help="a file of mode 600 that holds the user PIN")
        if name == "serve":
            command.add_argument("--socket", required=True)
            command.add_argument("--mode", default="600", help="of the socket, octal; 660 lets its group sign")
        else:
            command.add_argument("--label", required=True, help="what the key is to be called")
    options = parser.parse_args()
    token = Token(options.module, options.token, read_pin(options.pin_file))
    if options.command == "serve":
        serve(token, options.socket, int(options.mode, 8))
    else:
        token.put(options.label, base64.b64decode(sys.stdin.read().strip(), validate=True))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except PyKCS11.PyKCS11Error as problem:
        raise SystemExit(f"The token refuses: {problem}") from None
