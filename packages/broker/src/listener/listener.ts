import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, isIPv4, type Server, type Socket } from 'node:net'
import {
  createSecureContext,
  createServer as createTlsServer,
  type Server as TlsServer,
  type TlsOptions,
  TLSSocket,
} from 'node:tls'
import { EdgewrightError, type Logger, type Meter, memoryMeter, Service, silentLogger } from '@edgewright/core'
import { listenError } from './listen-error.js'

/** Where to listen. Port 0 takes a free one. */
export interface ListenAddress {
  readonly address: string
  readonly port: number
}

/** What a TLS server shows and signs with. */
export interface TlsCredentials {
  /** The certificate and what chains it to an authority, PEM, leaf first. */
  readonly certificate: string
  /** The leaf's private key, PEM. */
  readonly key: string
}

/** How a {@link Listener} behaves. */
export interface ListenerOptions {
  readonly listen: ListenAddress
  /** `'none'`: no TLS, on loopback addresses only, for what terminates TLS beside us. */
  readonly tls: TlsCredentials | 'none'
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
  /** Milliseconds that a TLS handshake may take. @default 10,000 */
  readonly handshakeTimeout?: number | undefined
  /** Connections at once; more are closed as they come. @default 20,000 */
  readonly maxConnections?: number | undefined
}

/** Makes the server that listens, with these TLS options or without TLS. */
export type ServerFactory = (tls: TlsOptions | undefined) => Server

/** Servers that hand over each connection as it is, once its handshake is done. */
export function rawServer(onConnection: (socket: Socket) => void): ServerFactory {
  return tls =>
    tls === undefined
      ? createTcpServer({ noDelay: true }, onConnection)
      : createTlsServer({ ...tls, noDelay: true } as TlsOptions, onConnection)
}

/** What is known of who is at the other end of a connection. */
export interface PeerFacts {
  /** Its address, as far as the transport knows. */
  readonly address: string
  /** The certificate it showed in the TLS handshake, DER; judged by nobody yet. */
  readonly certificate: Uint8Array | undefined
  /** The certificates it showed to lead from its own to an authority, DER, the next issuer first. @default none */
  readonly issuers?: readonly Uint8Array[] | undefined
}

/** Who is at the other end of a socket that a listener accepted. */
export function peerOf(socket: Socket): PeerFacts {
  const [certificate, ...issuers] = socket instanceof TLSSocket ? chainOf(socket) : []
  return { address: socket.remoteAddress ?? 'unknown', certificate, issuers }
}

/** The most certificates of a chain that are looked at. */
const MAX_CHAIN = 10

/** Chains are kept per connection, because Node gives the issuers only to whoever asks first. */
const chains = new WeakMap<TLSSocket, readonly Uint8Array[]>()

function chainOf(socket: TLSSocket): readonly Uint8Array[] {
  const known = chains.get(socket)
  if (known !== undefined) return known
  const chain: Uint8Array[] = []
  for (let next = socket.getPeerX509Certificate(); next && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    chain.push(next.raw)
  }
  chains.set(socket, chain)
  return chain
}

/** How a listener behaves when it is not told. */
export const LISTENER_DEFAULTS = Object.freeze({ handshakeTimeout: 10_000, maxConnections: 20_000 })

/**
 * Accepts connections on one address, TLS 1.2 and 1.3.
 *
 * A client certificate is asked for but not required, and not judged here: who may come in is the hub's to say
 * (wire reference, section 1.3).
 */
export class Listener extends Service {
  readonly #options: ListenerOptions
  readonly #createServer: ServerFactory
  readonly #logger: Logger
  readonly #meter: Meter
  readonly #open = new Set<Socket>()
  #server: Server | undefined
  #credentials: TlsCredentials | 'none'

  constructor(options: ListenerOptions, createServer: ServerFactory) {
    super()
    this.#options = options
    this.#createServer = createServer
    this.#logger = options.logger ?? silentLogger
    this.#meter = options.meter ?? memoryMeter()
    this.#credentials = options.tls
  }

  /** Where it listens; the port as bound. Throws `NOT_RUNNING` unless started. */
  address(): ListenAddress {
    this.assertRunning()
    const { address, port } = this.#server!.address() as AddressInfo
    return { address, port }
  }

  /**
   * Shows another certificate from the next handshake on; open connections stay as they are.
   *
   * @throws `TLS_CREDENTIALS` when certificate and key are not usable; the earlier ones stay
   */
  replaceCredentials(credentials: TlsCredentials): void {
    assertUsable(credentials)
    this.#credentials = credentials
    if (isTlsServer(this.#server)) this.#server.setSecureContext(secureContext(credentials))
  }

  protected override async onStart(): Promise<void> {
    const { listen, maxConnections = LISTENER_DEFAULTS.maxConnections } = this.#options
    const server = this.#credentials === 'none' ? this.#plainServer() : this.#tlsServer(this.#credentials)
    this.#server = server
    server.maxConnections = maxConnections
    server.on('connection', socket => this.#track(socket))
    server.on('drop', () => this.#meter.counter('listener_dropped_connections').add())
    try {
      const listening = once(server, 'listening')
      server.listen({ host: listen.address, port: listen.port, backlog: 1_024 })
      await listening
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, listen)
    }
    server.on('error', error => this.#logger.log('error', 'listener failed', { error }))
  }

  protected override async onStop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined || !server.listening) return
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of this.#open) socket.destroy()
    await closed
  }

  #plainServer(): Server {
    const { address, port } = this.#options.listen
    if (!isLoopback(address)) {
      throw new EdgewrightError('LISTEN_WITHOUT_TLS', `Will not listen without TLS on ${address}`, {
        place: `${address}:${port}`,
        remedy: 'Give TLS credentials, or listen on a loopback address behind something that terminates TLS.',
      })
    }
    return this.#createServer(undefined)
  }

  #tlsServer(credentials: TlsCredentials): Server {
    assertUsable(credentials)
    const { handshakeTimeout = LISTENER_DEFAULTS.handshakeTimeout } = this.#options
    const clientCertificates = { requestCert: true, rejectUnauthorized: false }
    const server = this.#createServer({ ...secureContext(credentials), ...clientCertificates, handshakeTimeout })
    const failures = this.#meter.counter('listener_failed_handshakes')
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      failures.add()
      // A handshake that takes too long is only reported: the socket would stay open.
      socket.destroy()
      this.#logger.log('debug', 'TLS handshake failed', { peer: socket.remoteAddress, code: error.code })
    })
    return server
  }

  #track(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }
}

function isTlsServer(server: Server | undefined): server is TlsServer {
  return server !== undefined && 'setSecureContext' in server
}

function secureContext(credentials: TlsCredentials) {
  return { cert: credentials.certificate, key: credentials.key, minVersion: 'TLSv1.2' } as const
}

function assertUsable(credentials: TlsCredentials): void {
  try {
    createSecureContext(secureContext(credentials))
  } catch (cause) {
    throw new EdgewrightError('TLS_CREDENTIALS', 'The TLS certificate and key cannot be used', {
      cause,
      remedy: "Give the certificate chain, leaf first, and the leaf's own private key, both PEM.",
    })
  }
}

function isLoopback(address: string): boolean {
  return (isIPv4(address) && address.startsWith('127.')) || address === '::1' || address === 'localhost'
}
