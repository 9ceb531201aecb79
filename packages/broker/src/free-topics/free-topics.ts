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
  type Store,
  type StorePut,
  systemClock,
  type Timer,
} from '@edgewright/core'
import type { IConnectPacket } from 'mqtt-packet'
import { withDefaults } from '../limits.js'
import type { PeerFacts } from '../listener/listener.js'
import { LoginThrottle } from '../login/login-throttle.js'
import { ReturnCode } from '../mqtt/connect-request.js'
import { AccessPolicy, type Authorization } from './access-policy.js'
import { Accounts, type TopicAccount, type TopicAuthenticator } from './accounts.js'
import type { BridgeRules } from './bridge-rules.js'
import { type NormalTopicLimits, TOPIC_LIMITS, type TopicLimits } from './limits.js'
import { MessageKeeper } from './message-keeper.js'
import { type TopicMetrics, topicMetrics } from './metrics.js'
import {
  accountSessionId,
  type ConnectRefusal,
  identitySessionId,
  judge,
  readLogin,
  refuseConnect,
  unauthorized,
} from './plain-connect.js'
import { PlainConnection, type PlainPeer, type PlainShare } from './plain-connection.js'
import { RetainedMessages } from './retained-messages.js'
import type { TopicMessage } from './topic-message.js'
import { TopicSessions } from './topic-sessions.js'
import { isFree, isTopicName } from './topic-filter.js'
import { TopicBridge } from './topic-bridge.js'
import { type BrokerParts, TopicBroker } from './topic-broker.js'
import { TopicLink, type TopicLinkEvents } from './topic-link.js'
import type { TopicLoginFacts } from './topic-stream.js'
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
      open: (stream, connect) => this.#assertRunning().broker.handle(stream, connect),
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
    const broker = this.#running?.broker
    if (!access.mayConnect || broker === undefined) return undefined
    const sessionId = identitySessionId(identity)
    if (this.#lackOfRoom(sessionId, persistent) !== undefined) return undefined
    const publisher = identityKey(identity)
    const login = { sessionId, access, publisher, name: publisher }
    const { maxBufferedBytes } = this.#limits
    const publish = (link: TopicLink, message: TopicMessage) => broker.publishFor(link, message)
    const link = new TopicLink(login, { maxBufferedBytes, clock: this.#clock, publish }, events)
    broker.handle(link, { clean: !persistent })
    return link
  }

  /**
   * Publishes on a free topic on the gateway's own behalf; no policy is asked. Resolves when the message is durable for
   * all who should have it.
   *
   * @throws `NOT_RUNNING`, `TOPIC_RETAINED_FULL`, and what the store rejects with; TypeError when the topic is no free one
   */
  async publish(message: TopicMessage): Promise<void> {
    if (!isTopicName(message.topic) || !isFree(message.topic)) throw new TypeError(`${message.topic} is no free topic`)
    const { broker } = this.#assertRunning()
    await this.#keep(message)
    await broker.hand(message)
  }

  protected override async onStart(): Promise<void> {
    const { store } = this.#options
    const limits = this.#limits
    const metrics = this.#metrics
    const logger = this.#logger
    const clock = this.#clock
    const onFailure = (error: unknown) => logger.log('error', 'topic session not written', { error })
    const sessions = new TopicSessions(clock, { store, outboundWindow: limits.outboundWindow, onFailure })
    const retained = new RetainedMessages(limits)
    const wills = new Wills(store)
    await sessions.load()
    await retained.load(store)
    metrics.sessions.set(sessions.size)
    metrics.retained.set(retained.size)
    const keeper = new MessageKeeper({ store, sessions, retained, limits, metrics })
    const take: BrokerParts['take'] = (message, publisher, rows) => this.#take(message, publisher, rows)
    const broker = new TopicBroker({ clock, logger, limits, metrics, sessions, retained, wills, take })
    await broker.start()
    this.#running = { broker, sessions, keeper }
    await this.#bridge?.start()
    await wills.execute(async (will, sessionId) => {
      await this.#take(will, sessionId)
      await broker.hand(will)
    })
    this.#scheduleExpiry()
  }

  protected override async onStop(): Promise<void> {
    this.#expiry?.cancel()
    await this.#running?.broker.stop()
    await this.#bridge?.stop()
    this.#running = undefined
  }

  #createBridge({ host, ...rules }: BridgeRules & { readonly host: ModuleHost }): TopicBridge {
    const keep = (message: TopicMessage) => this.#keep(message)
    const hand = (message: TopicMessage) => this.#assertRunning().broker.hand(message)
    return new TopicBridge({ host, clock: this.#clock, logger: this.#logger, keep, hand }, rules)
  }

  async #login(connect: IConnectPacket, peer: PeerFacts): Promise<TopicLoginFacts | ConnectRefusal> {
    const refusal = refuseConnect(connect, this.#limits.maxClientIdBytes)
    if (refusal !== undefined) return refusal
    const name = await this.#accounts.find(readLogin(connect, peer))
    if (name === undefined) return unauthorized('no account fits')
    const access = judge(connect, name, this.#policy)
    if ('returnCode' in access) return access
    const sessionId = accountSessionId(name, connect.clientId)
    const lack = this.#lackOfRoom(sessionId, connect.clean === false)
    if (lack !== undefined) return { returnCode: ReturnCode.unavailable, reason: lack, badLogin: false }
    return { sessionId, access, publisher: name, name: `${name} ${connect.clientId}` }
  }

  /** Of what there is too much for a further client, if there is. */
  #lackOfRoom(sessionId: string, persistent: boolean): string | undefined {
    const { broker, sessions } = this.#assertRunning()
    const { maxClients, maxSessions } = this.#limits
    if (broker.clients >= maxClients) return 'as many clients are connected as may be'
    const isNew = persistent && sessions.get(sessionId) === undefined
    return isNew && sessions.size >= maxSessions ? 'there are as many sessions as may be' : undefined
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

  #assertRunning(): Running {
    if (this.#running === undefined) this.assertRunning()
    return this.#running!
  }
}

/** What only running topics have. */
interface Running {
  readonly broker: TopicBroker
  readonly sessions: TopicSessions
  readonly keeper: MessageKeeper
}

const HOUR = 3_600_000
