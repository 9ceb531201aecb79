"""An AMQP client on Apache Qpid Proton, for the tests: reads what to do as JSON, writes what came of it as JSON."""

import json
import sys

from proton import Message, SSLDomain
from proton.utils import BlockingConnection, SendException

TIMEOUT = 20


def connect(task):
    domain = SSLDomain(SSLDomain.MODE_CLIENT)
    domain.set_trusted_ca_db(task["ca"])
    domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
    mechanism = task["mechanism"]
    login = {"user": task["user"], "password": task["token"]} if mechanism == "PLAIN" else {}
    return BlockingConnection(task["url"], TIMEOUT, ssl_domain=domain, allowed_mechs=mechanism, **login)


def put_token(connection, token):
    requests = connection.create_sender("$cbs")
    replies = connection.create_receiver("$cbs", credit=1)
    request = Message(id="token-1", address="$cbs", reply_to="cbs", body=token)
    request.properties = {"operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": "any"}
    requests.send(request)
    reply = replies.receive(TIMEOUT)
    replies.accept()
    return {"id": reply.correlation_id, "status": reply.properties["status-code"]}


def send(connection, address, messages):
    sender = connection.create_sender(address)
    outcomes = []
    for message in messages:
        wire = Message(body=message["body"].encode(), inferred=True, id=message["id"], properties=message["properties"])
        wire.content_type = "application/json"
        try:
            outcomes.append(str(sender.send(wire).remote_state))
        except SendException as refused:
            outcomes.append(str(refused.state))
    return outcomes


def receive(connection, address, count):
    receiver = connection.create_receiver(address, credit=count)
    print("ready", flush=True)
    received = []
    for _ in range(count):
        message = receiver.receive(TIMEOUT)
        received.append({"body": bytes(message.body).decode(), "properties": message.properties, "to": message.address})
        receiver.accept()
    return received


def main():
    task = json.load(sys.stdin)
    connection = connect(task)
    result = {}
    if task["mechanism"] != "PLAIN":
        result["reply"] = put_token(connection, task["token"])
    if "send" in task:
        result["outcomes"] = send(connection, task["address"], task["send"])
    if "receive" in task:
        result["received"] = receive(connection, task["address"], task["receive"])
    connection.close()
    print(json.dumps(result), flush=True)


main()
