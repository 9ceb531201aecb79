import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'

/** Takes over a stream of bytes that came in by WebSocket. */
export type StreamAcceptor = (stream: Duplex, request: IncomingMessage) => void

/** The path at which IoT Hub's clients ask for a WebSocket. */
const WEB_SOCKET_PATH = '/$iothub/websocket'
/** Bytes of one WebSocket message: more than any packet or frame inside may have. */
const MAX_MESSAGE_BYTES = 524_288

/**
 * Turns upgrade requests into streams of bytes, by sub-protocol. Names are compared without case, and the spelling that
 * the client offered is what it gets back. Source: wire reference, sections 2.1 and 3.1.
 */
export class WebSocketUpgrade {
  readonly #acceptors: ReadonlyMap<string, StreamAcceptor>
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: offered => this.#choose(offered) ?? false,
  })

  /** @param acceptors - by sub-protocol, in lower case */
  constructor(acceptors: ReadonlyMap<string, StreamAcceptor>) {
    this.#acceptors = acceptors
  }

  /** Answers one upgrade request. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const offered = new Set((request.headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim()))
    if (!isWebSocketPath(request.url ?? '')) refuse(socket, 404)
    else if (this.#choose(offered) === undefined) refuse(socket, 400)
    else this.#server.handleUpgrade(request, socket, head, webSocket => this.#accept(webSocket, request))
  }

  #choose(offered: ReadonlySet<string>): string | undefined {
    return [...offered].find(name => this.#acceptors.has(name.toLowerCase()))
  }

  #accept(webSocket: WebSocket, request: IncomingMessage): void {
    // Both protocols are binary: [MQTT-6.0.0-1], and AMQP's WebSocket binding.
    webSocket.on('message', (_data, isBinary) => {
      if (!isBinary) webSocket.close(UNSUPPORTED_DATA)
    })
    const stream = createWebSocketStream(webSocket)
    // The library leaves a stream half open when its WebSocket is gone.
    stream.once('end', () => stream.destroy())
    this.#acceptors.get(webSocket.protocol.toLowerCase())?.(stream, request)
  }
}

const UNSUPPORTED_DATA = 1003

function isWebSocketPath(url: string): boolean {
  const path = url.split('?', 1)[0]?.replace(/^\/%24/, '/$')
  return path === WEB_SOCKET_PATH || path === `${WEB_SOCKET_PATH}/`
}

function refuse(socket: Duplex, status: 400 | 404): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`
  socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\n\r\n`)
}
