import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { AMQP_WEBSOCKET } from '@edgewright/protocol'
import { createWebSocketStream, WebSocketServer } from 'ws'

/** What is spoken inside a WebSocket. */
export type WebSocketKind = 'mqtt' | 'amqp'

/** The largest WebSocket message, in bytes; clients may put several frames or packets into one. */
const MAX_MESSAGE_BYTES = 4_194_304

const PATHS: ReadonlySet<string> = new Set([AMQP_WEBSOCKET.path, '/$servicebus/websocket'])
const KINDS: Readonly<Record<string, WebSocketKind>> = { mqtt: 'mqtt', [AMQP_WEBSOCKET.protocol.toLowerCase()]: 'amqp' }

/**
 * Takes upgrade requests: by their path, and by the first sub-protocol that is known. Spellings are compared without
 * case and the one that was offered is answered. Anything else is a bad request.
 *
 * @param accept - given the WebSocket as a stream of bytes
 */
export function serveWebSockets(
  accept: (kind: WebSocketKind, stream: Duplex, request: IncomingMessage) => void,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: offered => known(offered) ?? false,
  })
  return (request, socket, head) => {
    socket.on('error', () => undefined)
    const [path = ''] = decoded(request.url ?? '').split('?', 1)
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim())
    const protocol = known(offered)
    const kind = KINDS[protocol?.toLowerCase() ?? '']
    if (!PATHS.has(path.toLowerCase()) || kind === undefined) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    server.handleUpgrade(request, socket, head, webSocket => {
      accept(kind, createWebSocketStream(webSocket), request)
    })
  }
}

function known(offered: Iterable<string>): string | undefined {
  for (const name of offered) if (KINDS[name.toLowerCase()] !== undefined) return name
  return undefined
}

/** A URL that cannot be decoded names no path that is served. */
function decoded(url: string): string {
  try {
    return decodeURI(url).replaceAll('%24', '$')
  } catch {
    return ''
  }
}
