import { type Clock, type Logger, sleep, type StorePut } from '@edgewright/core'
import type { Aedes, AedesPublishPacket, Client, PublishPacket, Subscription } from 'aedes'
import type { IConnectPacket } from 'mqtt-packet'
import { AedesPersistence, messageOf, type PersistenceParts, streamOf } from './aedes-persistence.js'
import { FanOut } from './fan-out.js'
import type { NormalTopicLimits } from './limits.js'
import type { TopicMetrics } from './metrics.js'
import { connectFor } from './plain-connect.js'
import type { RetainedMessages } from './retained-messages.js'
import { MAX_TOPIC_LEVELS, matchesTopic, parseFilter } from './topic-filter.js'
import type { TopicMessage } from './topic-message.js'
import type { TopicSessions } from './topic-sessions.js'
import type { TopicStream } from './topic-stream.js'
import type { Wills } from './wills.js'

/** What a {@link TopicBroker} works with. */
export interface BrokerParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: NormalTopicLimits
  readonly metrics: TopicMetrics
  readonly sessions: TopicSessions
  readonly retained: RetainedMessages
  readonly wills: Wills
  /** Makes a client's message durable, with these rows; undefined when nothing has to be. */
  take(message: TopicMessage, publisher: string, rows?: readonly StorePut[]): Promise<void> | undefined
}

/** How aedes knows a client, as far as its types do not say. */
type AedesClient = Client & {
  readonly will: PublishPacket | null
  readonly subscriptions: Readonly<Record<string, { readonly qos: 0 | 1 | 2 }>>
}

/** Aedes, with every decision taken here: what a client may do, what is durable, and who is sent what. */
export class TopicBroker {
  readonly #parts: BrokerParts
  readonly #open = new Set<TopicStream>()
  #aedes: Aedes | undefined

  constructor(parts: BrokerParts) {
    this.#parts = parts
  }

  /** Clients at present. */
  get clients(): number {
    return this.#open.size
  }

  /** Aedes is loaded only by gateways that have free topics. */
  async start(): Promise<void> {
    const { Aedes } = await import('aedes')
    const { sessions, retained, wills, limits, logger } = this.#parts
    const { maxReceived } = limits
    const receive: PersistenceParts['receive'] = (client, message, row) => this.#receive(client, message, row)
    const aedes = new Aedes({
      mq: new FanOut(),
      persistence: new AedesPersistence({ sessions, retained, wills, maxReceived, receive }),
      // A client that does not take what it is sent is the business of its stream.
      drainTimeout: NEVER,
      maxTopicLevels: MAX_TOPIC_LEVELS,
      maxInflightInbound: maxReceived,
      authenticate: (_client, _username, _password, done) => done(null, true),
      authorizePublish: (client, packet, done) => this.#authorizePublish(client as AedesClient, packet, done),
      authorizeSubscribe: (client, subscription, done) => done(null, this.#authorizeSubscribe(client, subscription)),
      authorizeForward: (client, packet) => this.#authorizeForward(client as AedesClient, packet),
    })
    // Aedes has destroyed the stream by then, and told it why.
    aedes.on('clientError', ignore)
    aedes.on('connectionError', ignore)
    aedes.on('unsubscribe', (filters, client) => {
      for (const filter of filters) streamOf(client).granted.delete(filter)
    })
    aedes.addListener('error', (error: Error) => logger.log('error', 'topic broker failed', { error }))
    await aedes.listen()
    this.#aedes = aedes
  }

  /** Ends all clients, and looks after their wills. */
  async stop(): Promise<void> {
    for (const stream of this.#open) stream.destroy()
    const aedes = this.#aedes
    if (aedes === undefined) return
    await this.#untilLeft(aedes)
    await new Promise<void>(resolve => aedes.close(resolve))
    this.#aedes = undefined
  }

  /** Takes a client in, with the CONNECT that aedes is to see. */
  handle(stream: TopicStream, connect: Pick<IConnectPacket, 'clean' | 'will'>): void {
    const { metrics, sessions } = this.#parts
    this.#open.add(stream)
    metrics.clients.set(this.#open.size)
    stream.once('close', () => {
      this.#open.delete(stream)
      metrics.clients.set(this.#open.size)
      metrics.sessions.set(sessions.size)
    })
    this.#aedes?.handle(stream)
    stream.push(connectFor(stream.login.sessionId, connect))
  }

  /**
   * Publishes what an IoT Hub client wants to. Resolves when it is durable.
   *
   * @throws when the client may not, or it was not stored
   */
  async publishFor(stream: TopicStream, message: TopicMessage): Promise<void> {
    if (!this.#mayPublish(stream, message.topic)) throw mayNotPublish(message.topic)
    await this.#inTurn(stream, message, this.#parts.take(message, stream.login.publisher))
    await this.hand(message)
  }

  /** Hands a message that is durable to whoever is connected. */
  hand({ topic, payload, qos, retain }: TopicMessage): Promise<void> {
    const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload), qos, retain, dup: false }
    return new Promise((resolve, reject) => {
      if (this.#aedes === undefined) return resolve()
      this.#aedes.publish(packet, error => (error ? reject(error) : resolve()))
    })
  }

  #authorizePublish(client: AedesClient, packet: PublishPacket, done: (error?: Error | null) => void) {
    const stream = streamOf(client)
    if (!this.#mayPublish(stream, packet.topic)) return done(mayNotPublish(packet.topic))
    const message = messageOf(packet)
    // Aedes keeps a QoS 2 message by its identifier, and only if it is new; it does not do so with a will.
    const isKeptLater = packet.qos === 2 && packet !== client.will
    const taken = isKeptLater ? undefined : this.#parts.take(message, stream.login.publisher)
    stream.order.add(message.payload.byteLength, taken, done)
  }

  /** A QoS 2 message that is not a repetition. */
  #receive(client: Client, message: TopicMessage, row: StorePut | undefined): Promise<void> {
    const stream = streamOf(client)
    const rows = row === undefined ? [] : [row]
    return this.#inTurn(stream, message, this.#parts.take(message, stream.login.publisher, rows))
  }

  #inTurn(stream: TopicStream, { payload }: TopicMessage, taken: Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) =>
      stream.order.add(payload.byteLength, taken, error => (error === undefined ? resolve() : reject(error))),
    )
  }

  #authorizeSubscribe(client: Client, subscription: Subscription): Subscription | null {
    const stream = streamOf(client)
    const { granted, login } = stream
    const { topic } = subscription
    const hasRoom = granted.has(topic) || granted.size < this.#parts.limits.maxSubscriptions
    if (hasRoom && this.#fits(topic) && login.access.maySubscribe(topic)) {
      granted.add(topic)
      return subscription
    }
    const { logger, metrics, sessions } = this.#parts
    metrics.refused.add()
    logger.log('warn', 'topic client may not subscribe', { client: login.name, filter: topic })
    // A filter of an earlier connection that the policy has taken away since.
    const session = client.clean ? undefined : sessions.get(client.id)
    if (session !== undefined && !granted.has(topic)) {
      sessions.unsubscribe(session, [topic]).catch(error => stream.fail(error))
    }
    return null
  }

  /** What a client gets of a message; aedes has made it a copy of its own. */
  #authorizeForward(client: AedesClient, packet: AedesPublishPacket): AedesPublishPacket | null {
    const stream = streamOf(client)
    const { session } = stream
    const { topic } = packet
    if (!stream.hasBegun || !stream.mayReceive(topic)) return null
    if (packet.qos > 0) {
      const isQueued = session !== undefined && !packet.retain && (session.grantedFor(topic) ?? 0) > 0
      if (isQueued) return null
      packet.qos = Math.min(packet.qos, grantedTo(client, topic)) as 0 | 1 | 2
      if (session !== undefined) packet.messageId = session.nextId()
    }
    if (!stream.isOverfull) return packet
    this.#parts.metrics.dropped.add()
    if (packet.qos > 0) stream.fail(new Error('the client takes less than it is sent'))
    return null
  }

  #mayPublish(stream: TopicStream, topic: string): boolean {
    const { metrics } = this.#parts
    const isAllowed = this.#fits(topic) && stream.login.access.mayPublish(topic)
    if (isAllowed) metrics.received.add()
    else metrics.refused.add()
    return isAllowed
  }

  /** Whether a topic or filter is within the limits. */
  #fits(text: string): boolean {
    const { maxTopicBytes, maxTopicLevels } = this.#parts.limits
    return Buffer.byteLength(text) <= maxTopicBytes && text.split('/').length <= maxTopicLevels
  }

  /** Until the wills of all who are cut off have been looked after. */
  async #untilLeft(aedes: Aedes): Promise<void> {
    const enough = new AbortController()
    const left = new Promise<void>(resolve => {
      const check = () => aedes.connectedClients === 0 && resolve()
      aedes.on('clientDisconnect', check)
      check()
    })
    await Promise.race([left, sleep(this.#parts.clock, LEAVE_TIMEOUT, enough.signal).catch(() => undefined)])
    enough.abort()
  }
}

const LEAVE_TIMEOUT = 5_000
/** The longest that a timer of Node's waits; 0 would have aedes wait with a listener for each message. */
const NEVER = 2_147_483_647

function ignore(): void {}

function mayNotPublish(topic: string): Error {
  return new Error(`the client may not publish on ${topic}`)
}

/** The highest QoS that a client's filters grant for a topic: aedes looks at exact filters only. */
function grantedTo({ subscriptions }: AedesClient, topic: string): number {
  let granted = 0
  for (const filter in subscriptions) {
    const { qos } = subscriptions[filter]!
    if (qos > granted && matchesTopic(parseFilter(filter) ?? [], topic)) granted = qos
  }
  return granted
}
