import type { Duplex } from 'node:stream'
import {
  type Clock,
  type Identity,
  type IdentityKey,
  identityKey,
  type Logger,
  type SessionEnd,
  type SessionHost,
  type Timer,
} from '@edgewright/core'
import { AMQP_CONDITION, AMQP_LIMITS, type AmqpLinkAddress, parseLinkAddress, Refusal } from '@edgewright/protocol'
import type { PeerFacts } from '../listener/listener.js'
import type { LoginThrottle } from '../login/login-throttle.js'
import { AmqpClient, type AttachFacts, type ClientShare } from './client.js'
import { FrameSocket } from './frame-socket.js'
import type { NormalAmqpLimits } from './limits.js'
import { LinkRefusal, linkError } from './link-error.js'
import type { AmqpMetrics } from './metrics.js'
import { Proofs } from './proofs.js'
import {
  boundDispositions,
  type Connection,
  createConnection,
  type EventContext,
  type Link,
  type LinkInternals,
  type Receiver,
  type Sender,
  type Session,
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
  readonly #tokens: TokenNode
  readonly #clients = new Map<IdentityKey, AmqpClient>()
  readonly #links = new Map<Link, AmqpClient | undefined>()
  readonly #clientShare: ClientShare
  readonly #login: Timer
  #sessions = 0
  #inFlight = 0
  #isPaused = false
  #hasEnded = false
  #onQuiet: (() => void) | undefined

  constructor(stream: Duplex, facts: ConnectionFacts, share: ConnectionShare) {
    const { clock, host, limits, logger } = share
    this.#share = share
    this.#facts = facts
    this.#login = clock.after(limits.loginTimeout, () => this.#fail('no good credentials in time'))
    this.#proofs = new Proofs({
      host,
      clock,
      address: facts.address,
      certificate: facts.certificate,
      maxIdentities: limits.maxIdentities,
      onFirst: () => this.#login.cancel(),
      onExpired: identity => this.#clients.get(identityKey(identity))?.end({ kind: 'credentials-expired' }),
    })
    this.#socket = new FrameSocket(stream, clock, limits, {
      read: () => this.#onRead(),
      drained: () => this.#onDrained(),
      failed: reason => this.#fail(reason),
      gone: () => this.#end('the connection was lost'),
    })
    const onViolation = (reason: string) => this.#fail(reason)
    const isCongested = () => this.#socket.isCongested
    this.#tokens = new TokenNode({
      judge: token => this.#judge(token),
      window: limits.maxRequests,
      maxWaiting: limits.maxWaiting,
      isCongested,
      onViolation: error => onViolation(error.description ?? ''),
    })
    this.#clientShare = {
      host,
      clock,
      logger,
      limits,
      transport: facts.transport,
      isCongested,
      onViolation,
      inFlight: { add: bytes => this.#addInFlight(bytes) },
      authorise: identity => this.#proofs.require(identity),
      onLeft: client => this.#onLeft(client),
    }
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
    this.#socket.setPaused(true)
    return new Promise(resolve => {
      this.#onQuiet = resolve
      this.#checkQuiet()
    })
  }

  /** Ends every client and the connection. */
  close(end: SessionEnd): void {
    for (const client of [...this.#clients.values()]) client.end(end)
    this.#connection.close({ condition: AMQP_CONDITION.connectionForced, description: 'The gateway is stopping' })
    this.#end(end.kind)
  }

  #listen(): void {
    const connection = this.#connection
    connection.on('connection_open', () => this.#onOpen())
    connection.on('session_open', (context: EventContext) => this.#onSession(context.session as Session))
    connection.on('receiver_open', (context: EventContext) => this.#onReceiver(context.receiver as Receiver))
    connection.on('sender_open', (context: EventContext) => this.#onSender(context.sender as Sender))
    for (const event of ['receiver_close', 'receiver_error'] as const) {
      connection.on(event, (context: EventContext) => this.#onDetached(context.receiver as Receiver))
    }
    for (const event of ['sender_close', 'sender_error'] as const) {
      connection.on(event, (context: EventContext) => this.#onDetached(context.sender as Sender))
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

  #onOpen(): void {
    const idle = this.#connection.idle_time_out
    if (!idle || idle >= AMQP_LIMITS.minimumIdleTimeout) return
    const description = `An idle time-out below ${AMQP_LIMITS.minimumIdleTimeout} ms`
    this.#connection.close({ condition: AMQP_CONDITION.notAllowed, description })
  }

  #onSession(session: Session): void {
    boundDispositions(session, SESSION_BUFFER)
    this.#sessions += 1
    if (this.#sessions > this.#share.limits.maxSessions) this.#fail('too many sessions')
  }

  #onReceiver(receiver: Receiver): void {
    this.#answerAttach(receiver, receiver.target?.address, address => {
      if (address.kind === 'cbs') return this.#tokens.attachIncoming(receiver)
      if (address.kind === 'feedback' || address.kind === 'devicebound') throw notFound()
      const role = INCOMING_ROLES[address.kind]
      this.#client(receiver, address.identity).attachIncoming(role, receiver, attachFacts(receiver))
    })
  }

  #onSender(sender: Sender): void {
    this.#answerAttach(sender, sender.source?.address, address => {
      if (address.kind === 'cbs') return this.#tokens.attachOutgoing(sender)
      if (address.kind === 'feedback') throw notFound()
      if (address.kind === 'events' && address.identity.moduleId === undefined) throw notFound()
      const role = OUTGOING_ROLES[address.kind]
      this.#client(sender, address.identity).attachOutgoing(role, sender, attachFacts(sender))
    })
  }

  #answerAttach(link: Link, address: string | undefined, attach: (address: AmqpLinkAddress) => void) {
    echo(link)
    if (this.#links.size >= this.#share.limits.maxLinks) return this.#fail('too many links')
    this.#links.set(link, undefined)
    try {
      const parsed = parseLinkAddress(address ?? '')
      if (parsed instanceof Refusal) throw notFound()
      attach(parsed)
    } catch (error) {
      this.#links.delete(link)
      const refusal = linkError(error)
      const { address: peer } = this.#facts
      this.#share.logger.log('info', 'amqp link refused', { peer, address, reason: refusal.description })
      link.close(refusal)
    }
  }

  #client(link: Link, identity: Identity): AmqpClient {
    const chain = link.properties?.['com.microsoft:auth-chain']
    if (typeof chain === 'string' && chain.includes(';')) {
      throw new LinkRefusal(AMQP_CONDITION.notImplemented, 'A chain of gateways is not supported')
    }
    const key = identityKey(identity)
    let client = this.#clients.get(key)
    if (client === undefined) this.#clients.set(key, (client = new AmqpClient(identity, this.#clientShare)))
    this.#links.set(link, client)
    return client
  }

  #onDetached(link: Link): void {
    const client = this.#links.get(link)
    this.#links.delete(link)
    client?.detached(link)
  }

  #onSessionEnded(session: Session): void {
    this.#sessions -= 1
    for (const link of [...this.#links.keys()]) if (link.session === session) this.#onDetached(link)
  }

  #onLeft(client: AmqpClient): void {
    const key = identityKey(client.identity)
    if (this.#clients.get(key) === client) this.#clients.delete(key)
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
    let received = 0
    for (const client of this.#clients.values()) received += client.commit()
    if (received > 0) this.#share.metrics.received.add(received)
    if (this.#partialBytes() > this.#share.limits.maxPartialBytes) this.#fail('too many bytes of unfinished messages')
  }

  /** Bytes that the library holds of messages whose last frame has not come: it knows no limit. */
  #partialBytes(): number {
    let bytes = 0
    for (const link of this.#links.keys()) {
      const partial = (link as Link & LinkInternals)._incomplete
      if (partial !== undefined) for (const frame of partial.frames) bytes += frame.length
    }
    return bytes
  }

  #onDrained(): void {
    for (const client of this.#clients.values()) client.pump()
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
    this.#isPaused = paused
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
    this.#proofs.close()
    for (const client of [...this.#clients.values()]) client.lost()
    // After the library's own turns, in which it writes what was said last.
    setImmediate(() => this.#socket.end())
    this.#checkQuiet()
  }
}

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

const INCOMING_ROLES = { events: 'telemetry', twin: 'twin-requests', methods: 'method-answers' } as const
const OUTGOING_ROLES = {
  events: 'inputs',
  devicebound: 'commands',
  twin: 'twin-notices',
  methods: 'method-calls',
} as const

function notFound(): LinkRefusal {
  return new LinkRefusal(AMQP_CONDITION.notFound, 'There is nothing at this address')
}

/** Both termini must stand in the answer, and the settle modes be those that the peer asked for. */
function echo(link: Link): void {
  link.set_source(link.source ?? { address: '' })
  link.set_target(link.target ?? { address: '' })
  const { attach } = (link as Link & LinkInternals).local
  attach.snd_settle_mode = link.snd_settle_mode
  attach.rcv_settle_mode = link.rcv_settle_mode
}

function attachFacts({ properties = {} }: Link): AttachFacts {
  const text = (name: string) => (typeof properties[name] === 'string' ? (properties[name] as string) : undefined)
  return {
    correlation: text('com.microsoft:channel-correlation-id'),
    modelId: text('com.microsoft:model-id'),
    productInfo: text('com.microsoft:client-version'),
  }
}
