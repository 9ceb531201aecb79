import {
  type Authentication,
  type Authenticator,
  type Clock,
  type Connectivity,
  type Credentials,
  EdgewrightError,
  type Identity,
  type IdentityKey,
  identityKey,
  type Logger,
  type Meter,
  type MethodInvoker,
  type MethodRequest,
  type MethodResponse,
  type OpenedSession,
  type Sealer,
  Service,
  type SessionEnd,
  type SessionHost,
  type SessionOptions,
  settleInOrder,
  type Store,
  type Subscription,
  type Upstream,
  withDefaults,
} from '@edgewright/core'
import { compileRoutes, type RouteError, type RouteRules } from '@edgewright/router'
import { ConfigurationKeeper, type HubConfiguration } from './configuration/configuration-keeper.js'
import { DeliveryEngine, type DeliveryOptions, type EndpointState } from './delivery/delivery-engine.js'
import type { DeadLetters } from './delivery/dead-letters.js'
import { SenderStamp } from './delivery/message-stamp.js'
import type { StoredIdentityDirectory } from './identities/stored-directory.js'
import { MethodCalls } from './methods/method-calls.js'
import { SealedTable } from './sealed-table.js'
import { ClientSession } from './sessions/client-session.js'
import { TakeoverDamping, type TakeoverDampingOptions } from './sessions/takeover-damping.js'
import { TwinKeeper } from './twins/twin-keeper.js'

/** What a hub works with. The store, the upstream and the directory are started and stopped by whoever made them. */
export interface HubComponents {
  readonly store: Store
  readonly upstream: Upstream
  readonly authenticator: Authenticator
  readonly directory: StoredIdentityDirectory
  readonly sealer: Sealer
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
}

/** What a hub does. */
export interface HubOptions {
  /** The device this hub runs on. */
  readonly deviceId: string
  /** Route rules by name. @default everything goes to `$upstream` */
  readonly routes?: RouteRules | undefined
  /**
   * Whether routes and settings come from the desired properties of `$edgeHub` as soon as there are any, and what goes
   * on is reported there. @default false
   */
  readonly configuredByCloud?: boolean | undefined
  /** Seconds that messages wait for delivery; 0 or less: for ever. @default 7,200 */
  readonly timeToLiveSecs?: number | undefined
  /** Clients at the same time. @default 1,000 */
  readonly maxClients?: number | undefined
  readonly delivery?: DeliveryOptions | undefined
  /** What happens when clients fight for one identity. */
  readonly takeovers?: TakeoverDampingOptions | undefined
}

/** Defaults of {@link HubOptions}. */
export const HUB_DEFAULTS = Object.freeze({
  routes: Object.freeze({ upstream: 'FROM /messages/* INTO $upstream' }),
  timeToLiveSecs: 7_200,
  maxClients: 1_000,
  configuredByCloud: false,
  delivery: Object.freeze({}),
  takeovers: Object.freeze({}),
})

/** When what happens is reported. */
export interface HubEvents {
  /** A client has a session. */
  connected: [{ readonly identity: Identity; readonly transport: string }]
  /** A session has ended. */
  disconnected: [{ readonly identity: Identity; readonly end: SessionEnd }]
  /** An endpoint with work gave no outcome for too long; the delivery is given up and tried again. */
  stalled: [{ readonly endpoint: string; readonly lane: string }]
}

/** The message hub: knows clients by their sessions, and neither protocols nor databases. */
export class Hub extends Service<HubEvents> implements SessionHost, MethodInvoker {
  readonly #parts: HubComponents
  readonly #options: Required<HubOptions>
  readonly #sessions = new Map<IdentityKey, ClientSession>()
  readonly #kept: SealedTable<readonly Subscription[]>
  readonly #twins: TwinKeeper
  readonly #methods: MethodCalls
  readonly #takeovers: TakeoverDamping
  readonly #engine: DeliveryEngine
  readonly #configuration: ConfigurationKeeper | undefined
  readonly #onRevoked = (identity: Identity) => {
    this.#takeovers.dismiss(identityKey(identity))
    for (const session of [...this.#sessions.values()]) {
      if (this.#goesWith(session.identity, identity)) session.close({ kind: 'identity-disabled' })
    }
  }
  readonly #onConnectivity = ({ type }: Connectivity) => {
    if (type === 'online') this.#inBackground(this.#twins.flush())
  }

  constructor(components: HubComponents, options: HubOptions) {
    super()
    this.#parts = components
    this.#options = withDefaults(HUB_DEFAULTS, options) as Required<HubOptions>
    this.#kept = new SealedTable('sessions', components)
    this.#twins = new TwinKeeper({
      ...components,
      deliver: (identity, change) => this.#taking('desired', identity)?.deliverDesired(change) ?? false,
    })
    this.#methods = new MethodCalls({ clock: components.clock, session: identity => this.#taking('methods', identity) })
    this.#takeovers = new TakeoverDamping(components, this.#options.takeovers)
    const { routes, timeToLiveSecs } = this.#options
    const compiled = compileRoutes(routes)
    this.#report(compiled.errors)
    this.#engine = new DeliveryEngine(
      {
        ...components,
        receiver: moduleId => this.#receiver(moduleId),
        onStalled: (endpoint, lane) => this.emit('stalled', { endpoint, lane }),
      },
      { table: compiled.table, timeToLiveSecs },
      this.#options.delivery,
    )
    const own: Identity = { deviceId: this.#options.deviceId, moduleId: '$edgeHub' }
    const apply = (configuration: HubConfiguration) => void this.configure(configuration)
    const initial = { routes, timeToLiveSecs }
    this.#configuration = this.#options.configuredByCloud
      ? new ConfigurationKeeper({ ...components, twins: this.#twins, initial, apply }, own)
      : undefined
  }

  /** Messages set aside, to be looked through. */
  get deadLetters(): DeadLetters {
    return this.#engine.deadLetters
  }

  /** Identities with a session. */
  get clients(): readonly { readonly identity: Identity; readonly transport: string }[] {
    return [...this.#sessions.values()].map(({ identity, transport }) => ({ identity, transport }))
  }

  /**
   * Puts routes and settings in force for the messages that come in from now on. A bad route disables itself only;
   * queues of endpoints that are no longer routed to are still delivered.
   *
   * @returns the routes that could not be understood
   */
  configure(configuration: HubConfiguration): readonly RouteError[] {
    const { table, errors } = compileRoutes(configuration.routes)
    const timeToLiveSecs = configuration.timeToLiveSecs ?? this.#options.timeToLiveSecs
    this.#engine.ingest.rules = { table, timeToLiveSecs }
    this.#report(errors)
    return errors
  }

  /** Names of the routes in force. */
  get routes(): readonly string[] {
    return this.#engine.ingest.rules.table.routes.map(({ name }) => name)
  }

  /** What waits, endpoint by endpoint. */
  endpoints(): readonly EndpointState[] {
    return this.#engine.endpoints()
  }

  /**
   * Forgets everything that waits for an endpoint.
   *
   * @param endpoint - `upstream` or `input/MODULE/INPUT`
   * @returns how many messages
   */
  purge(endpoint: string): Promise<number> {
    this.assertRunning()
    return this.#engine.purge(endpoint)
  }

  /**
   * Gives a parked message to its endpoint once more.
   *
   * @throws `DEAD_LETTER_NOT_FOUND`
   */
  retryDeadLetter(key: string): Promise<void> {
    this.assertRunning()
    return this.#engine.retryDeadLetter(key)
  }

  authenticate(credentials: Credentials): Authentication | Promise<Authentication> {
    return this.#parts.authenticator.authenticate(credentials)
  }

  async openSession(options: SessionOptions): Promise<OpenedSession> {
    this.assertRunning()
    const key = identityKey(options.identity)
    const older = this.#sessions.get(key)
    if (older !== undefined) await this.#takeovers.turn(key, older.endedSignal, options.signal)
    const kept = await this.#kept.get(key)
    const restored = new Set(options.persistent ? kept : undefined)
    if (!options.persistent && kept !== undefined) await this.#kept.delete(key)
    this.assertRunning()
    this.#sessions.get(key)?.close({ kind: 'taken-over' })
    if (this.#sessions.size >= this.#options.maxClients) throw clientLimit(this.#options.maxClients)
    const session = new ClientSession(
      options,
      {
        ingest: this.#engine.ingest,
        twins: this.#twins,
        stamp: new SenderStamp(options.identity, this.#options.deviceId),
        onSubscriptions: changed => this.#onSubscriptions(changed),
        onEnd: (ended, end) => this.#onEnd(ended, end),
      },
      restored,
    )
    this.#sessions.set(key, session)
    this.#parts.logger.log('info', 'client connected', { identity: key, transport: session.transport })
    this.emit('connected', session)
    this.#configuration?.clientConnected(options.identity)
    if (restored.size > 0) this.#apply(session)
    return { session, restored }
  }

  async invokeMethod(
    caller: Identity,
    target: Identity,
    request: MethodRequest,
    signal?: AbortSignal,
  ): Promise<MethodResponse> {
    this.assertRunning()
    if (caller.deviceId !== this.#options.deviceId || caller.moduleId === undefined) {
      throw new EdgewrightError('METHOD_NOT_ALLOWED', 'Only modules of this device may call methods here', {
        place: identityKey(caller),
      })
    }
    return this.#methods.call(target, request, signal)
  }

  protected async onStart(): Promise<void> {
    this.#parts.directory.on('revoked', this.#onRevoked)
    this.#parts.upstream.on('connectivity', this.#onConnectivity)
    this.#engine.start()
    await this.#configuration?.start()
  }

  protected async onStop(): Promise<void> {
    this.#parts.directory.off('revoked', this.#onRevoked)
    this.#parts.upstream.off('connectivity', this.#onConnectivity)
    await settleInOrder([
      async () => {
        this.#takeovers.dismissAll()
        for (const session of [...this.#sessions.values()]) session.close({ kind: 'hub-stopping' })
      },
      () => this.#configuration?.stop() ?? Promise.resolve(),
      async () => this.#twins.stop(),
      () => this.#engine.stop(),
    ])
  }

  #receiver(moduleId: string): ClientSession | undefined {
    return this.#taking('inputs', { deviceId: this.#options.deviceId, moduleId })
  }

  /** The session of an identity, when it has subscribed to something. */
  #taking(subscription: Subscription, identity: Identity): ClientSession | undefined {
    const session = this.#sessions.get(identityKey(identity))
    return session?.subscriptions.has(subscription) ? session : undefined
  }

  async #onSubscriptions(session: ClientSession): Promise<void> {
    this.#apply(session)
    if (session.persistent) await this.#kept.put(identityKey(session.identity), [...session.subscriptions])
  }

  /** Lets what the client subscribed to flow: its inputs from the queues, the rest from the cloud. */
  #apply(session: ClientSession): void {
    const { identity, subscriptions } = session
    this.#setModuleReady(identity, subscriptions.has('inputs'))
    if (subscriptions.has('methods')) this.#methods.ready(identity)
    if (!['commands', 'desired', 'methods'].some(name => subscriptions.has(name as Subscription))) return
    this.#parts.upstream.session(identity).handle({
      command: subscriptions.has('commands') ? delivery => session.deliverCommand(delivery) : undefined,
      method: subscriptions.has('methods') ? (request, signal) => session.invoke(request, signal) : undefined,
      ...(subscriptions.has('desired') && {
        desired: patch => this.#inBackground(this.#twins.desired(identity, patch)),
        listening: () => this.#inBackground(this.#twins.catchUp(identity)),
      }),
    })
  }

  #inBackground(task: Promise<void>): void {
    task.catch(error => this.#parts.logger.log('error', 'a twin could not be brought up to date', { error }))
  }

  #onEnd(session: ClientSession, end: SessionEnd): void {
    const key = identityKey(session.identity)
    if (this.#sessions.get(key) === session) {
      this.#sessions.delete(key)
      this.#setModuleReady(session.identity, false)
      if (session.subscriptions.size > 0) this.#parts.upstream.session(session.identity).handle({})
    }
    this.#parts.logger.log('info', 'client disconnected', { identity: key, end: end.kind })
    this.emit('disconnected', { identity: session.identity, end })
    if (end.kind !== 'taken-over') this.#configuration?.clientDisconnected(session.identity)
  }

  /** With a device its modules go; those of this device are let be, so that it works on whatever the cloud thinks of it. */
  #goesWith({ deviceId, moduleId }: Identity, revoked: Identity): boolean {
    if (deviceId !== revoked.deviceId) return false
    return moduleId === revoked.moduleId || (revoked.moduleId === undefined && deviceId !== this.#options.deviceId)
  }

  #setModuleReady({ deviceId, moduleId }: Identity, ready: boolean): void {
    if (moduleId !== undefined && deviceId === this.#options.deviceId) this.#engine.setModuleReady(moduleId, ready)
  }

  #report(errors: readonly RouteError[]): void {
    for (const error of errors) this.#parts.logger.log('error', 'a route is left out', { error })
  }
}

function clientLimit(limit: number): EdgewrightError {
  return new EdgewrightError('CLIENT_LIMIT', `There are ${limit} clients already`, {
    remedy: 'Raise maxClients, or disconnect others.',
  })
}
