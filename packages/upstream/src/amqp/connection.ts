import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Clock } from '@edgewright/core'
import { AMQP_LIMITS, AmqpFrameSplitter } from '@edgewright/protocol'
import rhea, { type Connection, type ConnectionOptions, type EventContext, type Session } from 'rhea'
import { withDeadline, withPatience } from '../network/deadline.js'
import { NetworkFailure } from '../network/failure.js'
import { GuardedSocket } from '../network/guarded-socket.js'
import { attendBusySessions } from './busy-sessions.js'
import { AmqpRefusal } from './opened.js'
import { SilenceWatch } from '../network/silence-watch.js'

/** What a connection needs, and how patient it is. */
export interface AmqpConnectionOptions {
  readonly clock: Clock
  /** The host dialled, for the OPEN. */
  readonly hostname: string
  /** Milliseconds until the peer must have answered the OPEN. */
  readonly handshakeTimeout: number
  /** Milliseconds without a sign of life after which the connection counts as lost. */
  readonly silenceLimit: number
  /** Counts bytes as they pass. */
  readonly onTraffic?: ((direction: 'in' | 'out', bytes: number) => void) | undefined
}

/** The peer is asked for signs of life this much more often than they are needed. */
const HEARTBEAT_SHARE = 0.6
/** The highest channel where nobody limits it. Source: AMQP 1.0 part 2, section 2.7.1. */
const MOST_CHANNELS = 65_535
/** How long a peer may take to answer a CLOSE, in milliseconds. */
const CLOSE_TIMEOUT = 2_000

/** One AMQP connection, from OPEN to its end. It does not come back: whoever needs another opens another. */
export class AmqpConnection {
  /** Resolves with the reason when the connection is gone, however that came about. */
  readonly lost: Promise<NetworkFailure>
  readonly #options: AmqpConnectionOptions
  readonly #socket: GuardedSocket
  readonly #connection: Connection
  readonly #watch: SilenceWatch
  #channels = 0

  private constructor(stream: Duplex, options: AmqpConnectionOptions) {
    this.#options = options
    let onLost: (failure: NetworkFailure) => void
    this.lost = new Promise(resolve => (onLost = resolve))
    this.#watch = new SilenceWatch(options.clock, options.silenceLimit, () => {
      this.#fail(new NetworkFailure('silent', `nothing for ${Math.round(options.silenceLimit / 1000)} s`))
    })
    this.#socket = new GuardedSocket(stream, new AmqpFrameSplitter(AMQP_LIMITS.maxFrameSize), {
      received: bytes => {
        this.#watch.heard()
        options.onTraffic?.('in', bytes)
      },
      sent: bytes => options.onTraffic?.('out', bytes),
      ended: failure => {
        this.#watch.stop()
        onLost(failure)
      },
    })
    this.#connection = connectionOver(this.#socket, options)
    this.#listen()
  }

  /**
   * Opens AMQP over a stream, without SASL, as IoT Hub's clients do.
   *
   * @throws NetworkFailure, AmqpRefusal, or the signal's reason; the stream is destroyed then
   */
  static async open(stream: Duplex, options: AmqpConnectionOptions, signal: AbortSignal): Promise<AmqpConnection> {
    const connection = new AmqpConnection(stream, options)
    try {
      const { clock, handshakeTimeout: delay } = options
      const expired = () => new NetworkFailure('protocol-error', 'no answer to the AMQP header in time')
      await withDeadline({ clock, delay, expired, signals: [signal] }, inner => connection.#opened(inner))
      return connection
    } catch (error) {
      connection.#fail(error instanceof NetworkFailure ? error : new NetworkFailure('closed-by-peer', String(error)))
      throw error
    }
  }

  /** Whether the stream has more to write than it takes at once. */
  get congested(): boolean {
    return this.#socket.congested
  }

  /** Calls once when the stream takes more. */
  whenDrained(callback: () => void): void {
    this.#socket.whenDrained(callback)
  }

  /**
   * Begins a session.
   *
   * @throws AmqpRefusal when the peer allows no more of them
   */
  beginSession(): Session {
    // null when the peer names no limit.
    const channelMax = this.#connection.channel_max ?? MOST_CHANNELS
    if (this.#channels > channelMax) {
      throw new AmqpRefusal('amqp:resource-limit-exceeded', `no more than ${channelMax + 1} sessions on a connection`)
    }
    const session = this.#connection.create_session()
    this.#channels += 1
    session.once('session_close', () => (this.#channels -= 1))
    session.begin()
    return session
  }

  /** Ends the connection in good order, or cuts it when the peer does not answer. */
  async close(): Promise<void> {
    this.#connection.close()
    await withPatience(this.#options.clock, CLOSE_TIMEOUT, this.lost)
    this.#fail(new NetworkFailure('closed-by-peer', 'closed'))
  }

  /** Cuts the connection. */
  #fail(failure: NetworkFailure): void {
    this.#socket.destroy(failure)
  }

  async #opened(signal: AbortSignal): Promise<void> {
    const refused = this.lost.then(failure => Promise.reject(failure))
    this.#connection.connect()
    await Promise.race([once(this.#connection, 'connection_open', { signal }), refused])
  }

  // rhea throws, or ends the process, for what nobody listens to.
  #listen(): void {
    const protocolError = (error: unknown) =>
      this.#fail(new NetworkFailure('protocol-error', String((error as Error | undefined)?.message ?? error)))
    this.#connection
      .on('error', protocolError)
      .on('protocol_error', protocolError)
      .on('disconnected', () => undefined)
      .on('session_error', () => undefined)
      .on('session_close', () => undefined)
      .on('sender_error', () => undefined)
      .on('receiver_error', () => undefined)
      .on('connection_error', () => undefined)
      .on('connection_close', (context: EventContext) => {
        const { error } = context.connection
        this.#fail(new NetworkFailure('closed-by-peer', error ? AmqpRefusal.from(error).message : ''))
      })
  }
}

function connectionOver(socket: GuardedSocket, options: AmqpConnectionOptions): Connection {
  const connect = (_port: number, _host: string, _options: unknown, connected: () => void) => {
    process.nextTick(connected)
    return socket
  }
  const settings = {
    hostname: options.hostname,
    max_frame_size: AMQP_LIMITS.maxFrameSize,
    idle_time_out: Math.max(AMQP_LIMITS.minimumIdleTimeout, Math.floor(options.silenceLimit * HEARTBEAT_SHARE)),
    reconnect: false,
    connection_details: () => ({ host: options.hostname, port: 0, connect }),
  }
  const connection = rhea.create_container().create_connection(settings as unknown as ConnectionOptions)
  attendBusySessions(connection)
  return connection
}
