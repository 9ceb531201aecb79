import type { Duplex } from 'node:stream'
import type { Clock, Identity, Logger, SessionEnd, SessionHost, Timer } from '@edgewright/core'
import { AMQP_CONDITION, AMQP_LIMITS } from '@edgewright/protocol'
import type { PeerFacts } from '../listener/listener.js'
import type { LoginThrottle } from '../login/login-throttle.js'
import { KeepAlive } from '../keep-alive.js'
import { FrameSocket } from './frame-socket.js'
import type { NormalAmqpLimits } from './limits.js'
import { ConnectionLinks } from './links.js'
import type { AmqpMetrics } from './metrics.js'
import { Proofs } from './proofs.js'
import {
  boundDispositions,
  type Connection,
  createConnection,
  type EventContext,
  type Receiver,
  type Sender,
  type Session,
  tellDirectionsApart,
} from './rhea.js'
import { offerMechanisms } from './sasl.js'
import { TokenNode, type TokenVerdict } from './token-node.js'

/** What the connections of a front-end share. */
export interface ConnectionShare {
  readonly host: SessionHost
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: AmqpMetrics
  readonly limits: NormalAmqpLimits
  readonly throttle: LoginThrottle
}

/** What is known of a peer before it says anything. */
export interface ConnectionFacts extends PeerFacts {
  /** For the log: `amqp`, `amqp-ws`. */
  readonly transport: string
}

/** One AMQP connection: whom it has proven to be, and the clients that use it. */
export class AmqpConnection {
  readonly #share: ConnectionShare
  readonly #facts: ConnectionFacts
  readonly #socket: FrameSocket
  readonly #connection: Connection
  readonly #proofs: Proofs
  readonly #links: ConnectionLinks
  readonly #login: Timer
  readonly #keepAlive: KeepAlive
  #heartbeat: Timer | undefined
  readonly #sessions = new Set<Session>()
  #inFlight = 0
  #isPaused = false
  #hasEnded = false
  #onQuiet: (() => void) | undefined

  constructor(stream: Duplex, facts: ConnectionFacts, share: ConnectionShare) {
    const { clock, limits } = share
    this.#share = share
    this.#facts = facts
    this.#keepAlive = new KeepAlive(clock, () => this.#fail('nothing was heard for too long'))
    this.#keepAlive.start(PATIENCE)
    this.#login = clock.after(limits.loginTimeout, () => this.#fail('no good credentials in time'))
    this.#socket = new FrameSocket(stream, clock, limits, {
      heard: () => this.#keepAlive.heard(),
      read: () => this.#onRead(),
      drained: () => this.#onDrained(),
      failed: reason => this.#fail(reason),
      gone: () => this.#end('the connection was lost'),
    })
    this.#proofs = this.#makeProofs()
    this.#links = this.#makeLinks()
    const { container, connection } = createConnection(CONNECTION_OPTIONS)
    offerMechanisms(container, {
      hasCertificate: facts.certificate !== undefined,
      judge: async token => (await this.#judge(token)).status === 200,
    })
    this.#connection = connection
    this.#listen()
    connection.accept(this.#socket as never)
  }

  /** Resolves once what was read is stored and settled; nothing more is read. */
  finish(): Promise<void> {
    this.#pause(true)
    return new Promise(resolve => {
      this.#onQuiet = resolve
      this.#checkQuiet()
    })
  }

  /**
   * Ends every client and the connection, without a word: the SDK for Node answers a close of links or connection by
   * detaching in order, waits 45 seconds for answers that nobody gives any more, and only then connects again.
   */
  close(end: SessionEnd): void {
    this.#links.lost(end)
    this.#end(end.kind)
  }

  #makeProofs(): Proofs {
    const { clock, host, limits } = this.#share
    return new Proofs({
      ...this.#facts,
      host,
      clock,
      maxIdentities: limits.maxIdentities,
      onFirst: () => this.#login.cancel(),
      onExpired: identity => this.#links.end(identity, { kind: 'credentials-expired' }),
    })
  }

  #makeLinks(): ConnectionLinks {
    const { clock, host, limits, logger } = this.#share
    const { address: peer, transport } = this.#facts
    const { maxLinks, maxRequests: window, maxWaiting } = limits
    const onViolation = (reason: string) => this.#fail(reason)
    const isCongested = () => this.#socket.isCongested
    const judge = (token: string) => this.#judge(token)
    const inFlight = { add: (bytes: number) => this.#addInFlight(bytes) }
    const authorise = (identity: Identity) => this.#proofs.require(identity)
    const tokens = new TokenNode({ judge, window, maxWaiting, isCongested, onViolation })
    const onRevoked = (identity: Identity) => this.#proofs.forget(identity)
    const flow = { isCongested, inFlight, onViolation }
    const client = { host, clock, logger, limits, transport, ...flow, authorise, onRevoked }
    return new ConnectionLinks({ tokens, logger, maxLinks, peer, client })
  }

  #listen(): void {
    const connection = this.#connection
    connection.on('connection_open', () => this.#onOpen())
    connection.on('session_open', (context: EventContext) => this.#onSession(context.session as Session))
    connection.on('receiver_open', (context: EventContext) => this.#links.attachReceiver(context.receiver as Receiver))
    connection.on('sender_open', (context: EventContext) => this.#links.attachSender(context.sender as Sender))
    for (const event of ['receiver_close', 'receiver_error'] as const) {
      connection.on(event, (context: EventContext) => this.#links.detached(context.receiver as Receiver))
    }
    for (const event of ['sender_close', 'sender_error'] as const) {
      connection.on(event, (context: EventContext) => this.#links.detached(context.sender as Sender))
    }
    for (const event of ['session_close', 'session_error'] as const) {
      connection.on(event, (context: EventContext) => this.#onSessionEnded(context.session as Session))
    }
    connection.on('connection_close', () => this.#end('the client closed the connection'))
    connection.on('connection_error', () => undefined)
    connection.on('disconnected', () => this.#end('the connection was lost'))
    for (const event of ['error', 'protocol_error'] as const) {
      connection.on(event, (error: unknown) => this.#fail(error instanceof Error ? error.message : 'malformed frames'))
    }
  }

  #onOpen() {
    const idle = this.#connection.idle_time_out
    if (!idle) return this.#beat()
    if (idle >= AMQP_LIMITS.minimumIdleTimeout) return
    const description = `An idle time-out below ${AMQP_LIMITS.minimumIdleTimeout} ms`
    this.#connection.close({ condition: AMQP_CONDITION.notAllowed, description })
  }

  /** A client that announces no idle time-out hears from us all the same; the library sees to the others. */
  #beat(): void {
    this.#heartbeat = this.#share.clock.after(AMQP_LIMITS.heartbeat, () => {
      this.#socket.write(EMPTY_FRAME)
      this.#beat()
    })
  }

  #onSession(session: Session): void {
    boundDispositions(session, SESSION_BUFFER)
    tellDirectionsApart(session)
    this.#sessions.add(session)
    if (this.#sessions.size > this.#share.limits.maxSessions) this.#fail('too many sessions')
  }

  #onSessionEnded(session: Session): void {
    this.#sessions.delete(session)
    this.#links.sessionEnded(session)
  }

  async #judge(token: string): Promise<TokenVerdict> {
    const refused = await this.#proofs.putToken(token)
    if (refused === undefined) return { status: 200, description: 'OK' }
    const { logger, metrics, throttle } = this.#share
    const { address: peer } = this.#facts
    const { reason, detail } = refused
    logger.log('warn', 'amqp token refused', { peer, reason: `${reason}: ${detail}` })
    if (reason === 'unavailable') return { status: 503, description: 'Service Unavailable' }
    metrics.refusedLogins.add()
    const verdict =
      reason === 'malformed'
        ? { status: 400, description: 'Bad Request' }
        : { status: 401, description: 'Unauthorized' }
    return new Promise(resolve =>
      throttle.refuse(
        peer,
        () => resolve(verdict),
        () => this.#fail('too many bad logins'),
      ),
    )
  }

  /** All frames of a chunk were handled by the library. */
  #onRead(): void {
    const received = this.#links.commit()
    if (received > 0) this.#share.metrics.received.add(received)
    if (this.#links.partialBytes() > this.#share.limits.maxPartialBytes)
      this.#fail('too many bytes of unfinished messages')
  }

  #onDrained(): void {
    this.#links.pump()
    this.#setFlow()
  }

  #addInFlight(bytes: number): void {
    this.#inFlight += bytes
    this.#setFlow()
    this.#checkQuiet()
  }

  #setFlow(): void {
    const paused = this.#inFlight >= this.#share.limits.inboundBytes || this.#socket.isCongested
    if (this.#onQuiet !== undefined || this.#hasEnded || paused === this.#isPaused) return
    this.#pause(paused)
  }

  #pause(paused: boolean): void {
    this.#isPaused = paused
    this.#keepAlive.setDeaf(paused)
    this.#socket.setPaused(paused)
  }

  #checkQuiet(): void {
    if (this.#inFlight === 0 || this.#hasEnded) this.#onQuiet?.()
  }

  #fail(reason: string): void {
    if (this.#hasEnded) return
    const { logger, metrics } = this.#share
    metrics.violations.add()
    logger.log('warn', 'amqp connection closed', { peer: this.#facts.address, reason })
    this.#end(reason)
  }

  #end(reason: string): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const { address: peer } = this.#facts
    this.#share.logger.log('debug', 'amqp connection ended', { peer, reason })
    this.#login.cancel()
    this.#keepAlive.stop()
    this.#heartbeat?.cancel()
    this.#proofs.close()
    this.#links.lost()
    // After the library's own turns, in which it writes what was said last.
    setImmediate(() => this.#socket.end())
    this.#checkQuiet()
  }
}

/** Milliseconds without a word: the client was told less. */
const PATIENCE = 1.5 * AMQP_LIMITS.idleTimeout

/** A frame of nothing but its header. Source: AMQP 1.0, section 2.4.5. */
const EMPTY_FRAME = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0])

/** Deliveries of one session, each way, that the library may hold. */
const SESSION_BUFFER = 32_768

const CONNECTION_OPTIONS = Object.freeze({
  container_id: 'edgewright',
  max_frame_size: AMQP_LIMITS.maxFrameSize,
  idle_time_out: AMQP_LIMITS.idleTimeout,
  session_buffer_size: SESSION_BUFFER,
  receiver_options: {
    credit_window: 0,
    autoaccept: false,
    autosettle: false,
    max_message_size: AMQP_LIMITS.maxMessageSize,
  },
  sender_options: {
    autosettle: false,
    treat_modified_as_released: false,
    max_message_size: AMQP_LIMITS.maxMessageSize,
  },
})
