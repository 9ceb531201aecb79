import { connect as connectTcp, isIP, type Socket } from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Clock } from '@edgewright/core'
import { withDeadline } from './deadline.js'
import { NetworkFailure, networkFailure } from './failure.js'

/** Where a stream leads, and whom to trust there. */
export interface StreamTarget {
  readonly host: string
  readonly port: number
  /** Names in the certificate are compared with this. @default the host */
  readonly serverName?: string | undefined
  /** Whom to trust: see {@link trusting}. @default those that Node trusts */
  readonly trust?: SecureContext | undefined
  /** Protocols to offer in the handshake. */
  readonly alpn?: readonly string[] | undefined
}

/** How long the steps of opening a stream may take, in milliseconds. */
export interface StreamTimeouts {
  /** Look-up and TCP connect. */
  readonly connect: number
  /** TLS handshake. */
  readonly handshake: number
}

/** Opens the TCP connection underneath: straight, or through a proxy. */
export type TcpOpener = (host: string, port: number, signal: AbortSignal) => Promise<Socket>

/** How streams are opened. */
export interface Network {
  readonly clock: Clock
  readonly timeouts: StreamTimeouts
  readonly openTcp: TcpOpener
}

/**
 * Opens a TLS stream whose peer is authenticated.
 *
 * @throws NetworkFailure, or the signal's reason
 */
export async function openTlsStream(network: Network, target: StreamTarget, signal: AbortSignal): Promise<TLSSocket> {
  const { clock, timeouts } = network
  const socket = await withDeadline(
    {
      clock,
      delay: timeouts.connect,
      expired: () => new NetworkFailure('unreachable', 'no connection in time'),
      signals: [signal],
    },
    inner => network.openTcp(target.host, target.port, inner),
  )
  return withDeadline(
    {
      clock,
      delay: timeouts.handshake,
      expired: () => new NetworkFailure('tls-failed', 'no handshake in time'),
      signals: [signal],
    },
    inner => secure(socket, target, inner),
  )
}

/** Opens a TCP connection straight to the host. */
export const openTcpDirectly: TcpOpener = (host, port, signal) =>
  settled(connectTcp({ host, port, noDelay: true }), 'connect', signal)

/**
 * Trusts authorities besides those that Node trusts. Reading all of those takes tens of milliseconds, so the last few
 * are kept.
 *
 * @param ca - PEM, any number of certificates
 */
export function trusting(ca: string | undefined): SecureContext | undefined {
  if (ca === undefined) return undefined
  const known = CONTEXTS.get(ca)
  if (known !== undefined) return known
  const context = createSecureContext({ ca: [...rootCertificates, ca], minVersion: 'TLSv1.2' })
  const [oldest] = CONTEXTS.keys()
  if (CONTEXTS.size >= MOST_CONTEXTS) CONTEXTS.delete(oldest!)
  CONTEXTS.set(ca, context)
  return context
}

const CONTEXTS = new Map<string, SecureContext>()
const MOST_CONTEXTS = 4

/** TLS over a connection; resolves when the peer has proved who it is. */
export function secure(socket: Socket, target: StreamTarget, signal: AbortSignal): Promise<TLSSocket> {
  const name = target.serverName ?? target.host
  const stream = connectTls({
    socket,
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(target.trust === undefined ? {} : { secureContext: target.trust }),
    ...(target.alpn === undefined ? {} : { ALPNProtocols: [...target.alpn] }),
    minVersion: 'TLSv1.2',
  })
  return settled(stream, 'secureConnect', signal)
}

/** Resolves with a socket once it is ready; destroys it when it fails or is no longer wanted. */
function settled<S extends Socket>(socket: S, ready: 'connect' | 'secureConnect', signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      socket.off(ready, onReady).off('error', onError).off('close', onClose)
      signal.removeEventListener('abort', onAbort)
      end()
    }
    const fail = (error: unknown) =>
      finish(() => {
        // A socket that is being destroyed may still report an error, which nobody waits for.
        socket.on('error', () => undefined).destroy()
        reject(error)
      })
    const onReady = () => finish(() => resolve(socket))
    const onError = (error: Error) => fail(networkFailure(error))
    const onClose = () => fail(new NetworkFailure('connection-reset', 'closed before it was ready'))
    const onAbort = () => fail(signal.reason)
    if (signal.aborted) return onAbort()
    socket.on(ready, onReady).on('error', onError).on('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
