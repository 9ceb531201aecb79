import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocket } from 'ws'
import { withDeadline } from './deadline.js'
import { NetworkFailure, networkFailure } from './failure.js'
import { type Network, openTlsStream, type StreamTarget } from './tls-stream.js'

/** What to ask a server for. */
export interface WebSocketRequest {
  readonly path: string
  /** The subprotocol; the server must agree to it. */
  readonly protocol: string
  /** The most one incoming message may hold, in bytes. */
  readonly maxPayload: number
}

/**
 * Opens a WebSocket over TLS, as a stream of binary messages.
 *
 * @throws NetworkFailure, or the signal's reason
 */
export async function openWebSocketStream(
  network: Network,
  target: StreamTarget,
  { path, protocol, maxPayload }: WebSocketRequest,
  signal: AbortSignal,
): Promise<Duplex> {
  const stream = await openTlsStream(network, { ...target, alpn: ['http/1.1'] }, signal)
  const name = target.serverName ?? target.host
  const authority = name.includes(':') ? `[${name}]` : name
  const socket = new WebSocket(`wss://${authority}:${target.port}${path}`, protocol, {
    createConnection: () => stream,
    perMessageDeflate: false,
    maxPayload,
  })
  const { clock, timeouts } = network
  const expired = () => new NetworkFailure('protocol-error', 'no answer to the WebSocket handshake in time')
  try {
    await withDeadline({ clock, delay: timeouts.handshake, expired, signals: [signal] }, inner =>
      once(socket, 'open', { signal: inner }),
    )
    return createWebSocketStream(socket)
  } catch (error) {
    // The socket may report its own end once more, which nobody waits for.
    socket.on('error', () => undefined).terminate()
    stream.destroy()
    throw signal.aborted ? signal.reason : refusal(error)
  }
}

/** ws says in a plain error when the server answers with something else than an upgrade. */
function refusal(error: unknown): NetworkFailure {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return code === undefined && !(error instanceof NetworkFailure)
    ? new NetworkFailure('protocol-error', String(message), { cause: error })
    : networkFailure(error)
}
