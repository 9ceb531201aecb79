import type { Duplex } from 'node:stream'
import {
  type Clock,
  type Identity,
  identityKey,
  type Logger,
  type Meter,
  memoryMeter,
  type ModuleHost,
  Service,
  silentLogger,
  sleep,
  type Store,
  type StorePut,
  systemClock,
  type Timer,
} from '@edgewright/core'
import type { Aedes, AedesPublishPacket, Client, PublishPacket, Subscription } from 'aedes'
import type { IConnectPacket } from 'mqtt-packet'
import { withDefaults } from '../limits.js'
import type { PeerFacts } from '../listener/listener.js'
import { LoginThrottle } from '../login/login-throttle.js'
import { ReturnCode } from '../mqtt/connect-request.js'
import { AccessPolicy, type Authorization } from './access-policy.js'
import { Accounts, type TopicAccount, type TopicAuthenticator } from './accounts.js'
import { AedesPersistence, messageOf, streamOf } from './aedes-persistence.js'
import type { BridgeRules } from './bridge-rules.js'
import { FanOut } from './fan-out.js'
import { type NormalTopicLimits, TOPIC_LIMITS, type TopicLimits } from './limits.js'
import { MessageKeeper } from './message-keeper.js'
import { type TopicMetrics, topicMetrics } from './metrics.js'
import {
  accountSessionId,
  type ConnectRefusal,
  connectFor,
  identitySessionId,
  judge,
  readLogin,
  refuseConnect,
  unauthorized,
} from './plain-connect.js'
import { PlainConnection, type PlainPeer, type PlainShare } from './plain-connection.js'
import { RetainedMessages } from './retained-messages.js'
import { MAX_TOPIC_LEVELS, matchesTopic, parseFilter } from './topic-filter.js'
import type { TopicMessage } from './topic-message.js'
import { TopicSessions } from './topic-sessions.js'
import { TopicBridge } from './topic-bridge.js'
import { TopicLink, type TopicLinkEvents } from './topic-link.js'
import type { TopicLoginFacts, TopicStream } from './topic-stream.js'
import { Wills } from './wills.js'

/** What {@link FreeTopics} work with, and who may use them. */
export interface FreeTopicsOptions extends TopicLimits {
  /** Keeps sessions, what waits for them, and retained messages. Started and stopped by whoever made it. */
  readonly store: Store
  /** Who may connect, publish and subscribe. What is not allowed is denied. */
  readonly authorizations: readonly Authorization[]
  /** What `{{iot:this_device_id}}` stands for. @default nothing */
  readonly deviceId?: string | undefined
  /** Clients that IoT Hub does not know. */
  readonly accounts?: readonly TopicAccount[] | undefined
  /** Asked for logins that no account fits. */
  readonly authenticate?: TopicAuthenticator | undefined
  /** Joins free topics and routes. @default they are not joined */
  readonly bridge?: (BridgeRules & { readonly host: ModuleHost }) | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
}

/** How aedes knows a client, as far as its types do not say. */
type AedesClient = Client & {
  readonly will: PublishPacket | null
  readonly subscriptions: Readonly<Record<string, { readonly qos: 0 | 1 | 2 }>>
}

/**
 * Topics that do not belong to IoT Hub, for plain MQTT 3.1.1 clients and IoT Hub clients alike: publish and subscribe with
 * QoS 0 to 2, retained messages, wills and persistent sessions, as far as an access policy lets them. Served by aedes on
 * the listeners of the front-ends that are given these topics.
 *
 * A PUBACK or PUBREC says that a message is durable in every session that should have it.
 */
export class FreeTopics extends Service {
  readonly #options: FreeTopicsOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #metrics: TopicMetrics
  readonly #limits: NormalTopicLimits
  readonly #policy: AccessPolicy
  readonly #accounts: Accounts
  readonly #throttle: LoginThrottle
  readonly #bridge: TopicBridge | undefined
  readonly #open = new Set<TopicStream>()
  #running: Running | undefined
  #expiry: Timer | undefined

  /** @throws `TOPIC_POLICY`, `TOPIC_ACCOUNT`, `TOPIC_BRIDGE_RULE` */
  constructor(options: FreeTopicsOptions) {
    super()
    const { authorizations, deviceId = '', accounts, authenticate, meter = memoryMeter() } = options
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#metrics = topicMetrics(meter)
    this.#limits = withDefaults(TOPIC_LIMITS, options)
    this.#policy = new AccessPolicy(authorizations, deviceId)
    this.#accounts = new Accounts(accounts, authenticate)
    this.#throttle = new LoginThrottle(this.#clock)
    this.#bridge = options.bridge && this.#createBridge(options.bridge)
  }

  /** Takes over the connection of a plain client. What came after its CONNECT is still in the stream. */
  accept(stream: Duplex, peer: PlainPeer, connect: IConnectPacket): PlainConnection {
    const share: PlainShare = {
      clock: this.#clock,
      logger: this.#logger,
      limits: this.#limits,
      metrics: this.#metrics,
      throttle: this.#throttle,
      login: (connect, peer) => this.#login(connect, peer),
      open: (stream, connect) => this.#handle(stream, connect),
    }
    return new PlainConnection(stream, peer, connect, share)
  }

  /** Whether an IoT Hub client has a session that it may come back to. */
  remembers(identity: Identity): boolean {
    return this.#running?.sessions.get(identitySessionId(identity)) !== undefined
  }

  /** Joins an IoT Hub client; undefined when the policy does not let it in, or there is no room. */
  join(identity: Identity, persistent: boolean, events: TopicLinkEvents): TopicLink | undefined {
    const access = this.#policy.for({ kind: 'identity', identity })
    if (!access.mayConnect || this.#running === undefined) return undefined
    const sessionId = identitySessionId(identity)
    if (persistent && !this.#hasRoomFor(sessionId)) return undefined
    const publisher = identityKey(identity)
    const login = { sessionId, access, publisher, name: publisher }
    const { maxBufferedBytes } = this.#limits
    const publish = (link: TopicLink, message: TopicMessage) => this.#publishFor(link, message)
    const left = (link: TopicLink) => link.session?.detach(link, this.#clock.now())
    const link = new TopicLink(login, maxBufferedBytes, events, publish, left)
    this.#handle(link, { clean: !persistent })
    return link
  }

  /**
   * Publishes on a free topic on the gateway's own behalf; no policy is asked. Resolves when the message is durable for
   * all who should have it.
   *
   * @throws `NOT_RUNNING`, `TOPIC_RETAINED_FULL`, and what the store rejects with
   */
  async publish(message: TopicMessage): Promise<void> {
    this.assertRunning()
    await this.#keep(message)
    await this.#hand(message)
  }

  protected override async onStart(): Promise<void> {
    const { store } = this.#options
    const { outboundWindow } = this.#limits
    const onFailure = (error: unknown) => this.#logger.log('error', 'topic session not written', { error })
    const sessions = new TopicSessions(this.#clock, { store, outboundWindow, onFailure })
    const retained = new RetainedMessages(this.#limits)
    const wills = new Wills(store)
    await sessions.load()
    await retained.load(store)
    this.#metrics.sessions.set(sessions.size)
    this.#metrics.retained.set(retained.size)
    const keeper = new MessageKeeper(store, sessions, retained, this.#limits, this.#metrics)
    const broker = await this.#createBroker(
      new AedesPersistence({
        sessions,
        retained,
        wills,
        maxReceived: this.#limits.maxReceived,
        receive: async (client, message, row) => {
          const bytes = message.payload.byteLength
          const kept = this.#take(message, streamOf(client).login.publisher, row === undefined ? [] : [row])
          await new Promise<void>((resolve, reject) =>
            streamOf(client).order.add(bytes, kept, error => (error === undefined ? resolve() : reject(error))),
          )
        },
      }),
    )
    this.#running = { broker, sessions, keeper }
    await this.#bridge?.start()
    await wills.execute(async (will, sessionId) => {
      await this.#take(will, sessionId)
      await this.#hand(will)
    })
    this.#scheduleExpiry()
  }

  protected override async onStop(): Promise<void> {
    this.#expiry?.cancel()
    const running = this.#running
    if (running === undefined) return
    for (const stream of this.#open) stream.destroy()
    await this.#untilLeft(running.broker)
    await new Promise<void>(resolve => running.broker.close(resolve))
    await this.#bridge?.stop()
    this.#running = undefined
  }

  #createBridge({ host, ...rules }: BridgeRules & { readonly host: ModuleHost }): TopicBridge {
    const keep = (message: TopicMessage) => this.#keep(message)
    const hand = (message: TopicMessage) => this.#hand(message)
    return new TopicBridge({ host, clock: this.#clock, logger: this.#logger, keep, hand }, rules)
  }

  /** Aedes is loaded only by gateways that have free topics. */
  async #createBroker(persistence: AedesPersistence): Promise<Aedes> {
    const { Aedes } = await import('aedes')
    const broker = new Aedes({
      mq: new FanOut(),
      persistence,
      // A client that does not take what it is sent is the business of its stream.
      drainTimeout: 0,
      maxTopicLevels: MAX_TOPIC_LEVELS,
      maxInflightInbound: this.#limits.maxReceived,
      authenticate: (_client, _username, _password, done) => done(null, true),
      authorizePublish: (client, packet, done) => this.#authorizePublish(client as AedesClient, packet, done),
      authorizeSubscribe: (client, subscription, done) => done(null, this.#authorizeSubscribe(client, subscription)),
      authorizeForward: (client, packet) => this.#authorizeForward(client as AedesClient, packet),
    })
    const onError = (client: Client, error: Error) => streamOf(client).fail(error)
    broker.on('clientError', onError)
    broker.on('connectionError', onError)
    broker.on('unsubscribe', (filters, client) => {
      for (const filter of filters) streamOf(client).granted.delete(filter)
    })
    broker.addListener('error', (error: Error) => this.#logger.log('error', 'topic broker failed', { error }))
    await broker.listen()
    return broker
  }

  async #login(connect: IConnectPacket, peer: PeerFacts): Promise<TopicLoginFacts | ConnectRefusal> {
    const { maxClients, maxClientIdBytes } = this.#limits
    const refusal = refuseConnect(connect, maxClientIdBytes)
    if (refusal !== undefined) return refusal
    const name = await this.#accounts.find(readLogin(connect, peer))
    if (name === undefined) return unauthorized('no account fits')
    const access = judge(connect, name, this.#policy)
    if ('returnCode' in access) return access
    const sessionId = accountSessionId(name, connect.clientId)
    if (this.#open.size >= maxClients) return unavailable('as many clients are connected as may be')
    if (connect.clean === false && !this.#hasRoomFor(sessionId)) {
      return unavailable('there are as many sessions as may be')
    }
    return { sessionId, access, publisher: name, name: `${name} ${connect.clientId}` }
  }

  #hasRoomFor(sessionId: string): boolean {
    const { sessions } = this.#assertRunning()
    return sessions.get(sessionId) !== undefined || sessions.size < this.#limits.maxSessions
  }

  async #publishFor(link: TopicLink, message: TopicMessage): Promise<void> {
    const { topic, payload } = message
    if (!this.#fits(topic) || !link.login.access.mayPublish(topic)) {
      this.#refuse(link, 'publish on', topic)
      throw new Error(`may not publish on ${topic}`)
    }
    this.#metrics.received.add()
    const kept = this.#take(message, link.login.publisher)
    await new Promise<void>((resolve, reject) =>
      link.order.add(payload.byteLength, kept, error => (error === undefined ? resolve() : reject(error))),
    )
    await this.#hand(message)
  }

  #handle(stream: TopicStream, connect: Pick<IConnectPacket, 'clean' | 'will'>): void {
    const { broker } = this.#assertRunning()
    this.#open.add(stream)
    this.#metrics.clients.set(this.#open.size)
    stream.once('close', () => {
      this.#open.delete(stream)
      this.#metrics.clients.set(this.#open.size)
    })
    broker.handle(stream)
    stream.push(connectFor(stream.login.sessionId, connect))
  }

  #authorizePublish(client: AedesClient, packet: PublishPacket, done: (error?: Error | null) => void) {
    const stream = streamOf(client)
    if (!this.#fits(packet.topic) || !stream.login.access.mayPublish(packet.topic)) {
      this.#refuse(stream, 'publish on', packet.topic)
      return done(new Error(`may not publish on ${packet.topic}`))
    }
    this.#metrics.received.add()
    const message = messageOf(packet)
    // Aedes keeps a QoS 2 message by its identifier, and only if it is new; it does not do so with a will.
    const isKeptLater = packet.qos === 2 && packet !== client.will
    const kept = isKeptLater ? undefined : this.#take(message, stream.login.publisher)
    stream.order.add(message.payload.byteLength, kept, done)
  }

  #authorizeSubscribe(client: Client, subscription: Subscription): Subscription | null {
    const stream = streamOf(client)
    const { topic } = subscription
    const hasRoom = stream.granted.has(topic) || stream.granted.size < this.#limits.maxSubscriptions
    if (hasRoom && this.#fits(topic) && stream.login.access.maySubscribe(topic)) {
      stream.granted.add(topic)
      return subscription
    }
    this.#refuse(stream, 'subscribe to', topic)
    // A filter of an earlier connection that the policy has taken away since.
    const { sessions } = this.#assertRunning()
    const session = client.clean ? undefined : sessions.get(client.id)
    if (session !== undefined && !stream.granted.has(topic)) {
      sessions.unsubscribe(session, [topic]).catch(error => stream.fail(error))
    }
    return null
  }

  /** What a client gets of a message; aedes has made it a copy of its own. */
  #authorizeForward(client: AedesClient, packet: AedesPublishPacket): AedesPublishPacket | null {
    const stream = streamOf(client)
    const { topic } = packet
    if (!stream.hasBegun || !stream.mayReceive(topic)) return null
    if (packet.qos > 0) {
      const { session } = stream
      const isQueued = session !== undefined && !packet.retain && (session.grantedFor(topic) ?? 0) > 0
      if (isQueued) return null
      packet.qos = Math.min(packet.qos, grantedTo(client, topic)) as 0 | 1 | 2
      if (session !== undefined) packet.messageId = session.nextId()
    }
    if (!stream.isOverfull) return packet
    this.#metrics.dropped.add()
    if (packet.qos > 0) stream.fail('the client takes less than it is sent')
    return null
  }

  /** Makes a client's message durable, in routes too; undefined when nothing has to be. */
  #take(message: TopicMessage, publisher: string, rows?: readonly StorePut[]): Promise<void> | undefined {
    const kept = this.#keep(message, rows)
    const routed = this.#bridge?.take(message, publisher)
    return routed === undefined ? kept : Promise.all([kept, routed]).then(() => undefined)
  }

  /** Makes a message durable, before anybody is told; undefined when nothing has to be. */
  #keep(message: TopicMessage, rows?: readonly StorePut[]): Promise<void> | undefined {
    try {
      return this.#assertRunning().keeper.keep(message, rows)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Hands a message that was kept to whoever is connected. */
  #hand({ topic, payload, qos, retain }: TopicMessage): Promise<void> {
    const { broker } = this.#assertRunning()
    const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload), qos, retain, dup: false }
    return new Promise((resolve, reject) => broker.publish(packet, error => (error ? reject(error) : resolve())))
  }

  /** Whether a topic or filter is within the limits. */
  #fits(text: string): boolean {
    const { maxTopicBytes, maxTopicLevels } = this.#limits
    return Buffer.byteLength(text) <= maxTopicBytes && text.split('/').length <= maxTopicLevels
  }

  #refuse(stream: TopicStream, what: string, topic: string): void {
    this.#metrics.refused.add()
    this.#logger.log('warn', `topic client may not ${what} a topic`, { client: stream.login.name, topic })
  }

  #scheduleExpiry(): void {
    this.#expiry = this.#clock.after(HOUR, () => {
      const { sessions } = this.#assertRunning()
      sessions.expire(this.#clock.now() - this.#limits.sessionExpiry).then(
        () => this.#metrics.sessions.set(sessions.size),
        error => this.#logger.log('error', 'topic sessions not expired', { error }),
      )
      this.#scheduleExpiry()
    })
  }

  /** Until the wills of all who are cut off have been looked after. */
  async #untilLeft(broker: Aedes): Promise<void> {
    const enough = new AbortController()
    const left = new Promise<void>(resolve => {
      const check = () => broker.connectedClients === 0 && resolve()
      broker.on('clientDisconnect', check)
      check()
    })
    await Promise.race([left, sleep(this.#clock, LEAVE_TIMEOUT, enough.signal).catch(() => undefined)])
    enough.abort()
  }

  #assertRunning(): Running {
    if (this.#running === undefined) this.assertRunning()
    return this.#running!
  }
}

/** What only running topics have. */
interface Running {
  readonly broker: Aedes
  readonly sessions: TopicSessions
  readonly keeper: MessageKeeper
}

const HOUR = 3_600_000
const LEAVE_TIMEOUT = 5_000

function unavailable(reason: string): ConnectRefusal {
  return { returnCode: ReturnCode.unavailable, reason, badLogin: false }
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
