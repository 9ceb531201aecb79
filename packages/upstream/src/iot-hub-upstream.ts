import {
  type Clock,
  type CloudSession,
  type Connectivity,
  type Identity,
  type IdentityKey,
  identityKey,
  type Logger,
  type Meter,
  Service,
  settleInOrder,
  silentLogger,
  systemClock,
  type Upstream,
  type UpstreamEvents,
} from '@edgewright/core'
import { AmqpLink } from './amqp/amqp-link.js'
import type { CloudLink } from './cloud-link.js'
import { IotHubSession } from './cloud-session.js'
import { Gate } from './gate.js'
import { LinkKeeper } from './link-keeper.js'
import { openTcpDirectly, openTlsStream } from './network/tls-stream.js'
import { type IotHubUpstreamTuning, type TokenSource, type Tuning, tuningOf } from './options.js'

/** Where the hub is, and how identities prove themselves there. */
export interface IotHubUpstreamOptions extends IotHubUpstreamTuning {
  /** Host of the hub: dialled unless `gatewayHost` is given, and named in tokens. */
  readonly host: string
  /** A parent gateway to dial in the hub's place. */
  readonly gatewayHost?: string | undefined
  /** @default amqp 5671 */
  readonly ports?: { readonly amqp?: number | undefined } | undefined
  /** PEM of the authorities to trust; absent: those that Node trusts. */
  readonly ca?: string | undefined
  readonly token: TokenSource
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** @default silent */
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
  /** 0 to 1, to spread what would otherwise happen together. @default Math.random */
  readonly random?: (() => number) | undefined
}

/**
 * The cloud as Azure IoT Hub: many identities over few connections, which open and mend themselves.
 *
 * `start` resolves at once, also without a network: see {@link connectivity}.
 */
export class IotHubUpstream extends Service<UpstreamEvents> implements Upstream {
  readonly #options: IotHubUpstreamOptions
  readonly #tuning: Tuning
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #sessions = new Map<IdentityKey, IotHubSession>()
  #keepers: readonly LinkKeeper[] = []
  #turn = 0
  #connectivity: Connectivity

  constructor(options: IotHubUpstreamOptions) {
    super()
    this.#options = options
    this.#tuning = tuningOf(options)
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#connectivity = { type: 'offline', since: this.#clock.now(), reason: 'not started' }
  }

  get connectivity(): Connectivity {
    return this.#connectivity
  }

  session(identity: Identity): CloudSession {
    const key = identityKey(identity)
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const turn = this.#turn++
    const session = new IotHubSession(identity, {
      link: () => this.#link(turn) ?? this.#offlineReason(),
      closed: () => this.#sessions.delete(key),
    })
    this.#sessions.set(key, session)
    return session
  }

  protected async onStart(): Promise<void> {
    this.#offline('connecting')
    this.#keepers = Array.from({ length: this.#tuning.connections }, () => this.#keeper())
    for (const keeper of this.#keepers) keeper.start()
  }

  protected async onStop(): Promise<void> {
    await settleInOrder(this.#keepers.map(keeper => () => keeper.stop()))
    this.#keepers = []
    this.#offline('stopped')
  }

  #keeper(): LinkKeeper {
    return new LinkKeeper({
      open: signal => this.#openLink(signal),
      clock: this.#clock,
      logger: this.#logger,
      random: this.#options.random ?? Math.random,
      backoff: this.#tuning.reconnect,
      onUp: () => this.#online(),
      onDown: reason => {
        if (this.#keepers.every(keeper => keeper.link === undefined)) this.#offline(reason)
      },
    })
  }

  #openLink(signal: AbortSignal): Promise<CloudLink> {
    const { host, gatewayHost = host, ports, ca, token, random = Math.random } = this.#options
    const { connectTimeout: connect, handshakeTimeout: handshake, openings } = this.#tuning
    const network = { clock: this.#clock, timeouts: { connect, handshake }, openTcp: openTcpDirectly }
    const target = { host: gatewayHost, port: ports?.amqp ?? 5671, ca }
    return AmqpLink.open(
      {
        openStream: inner => openTlsStream(network, target, inner),
        hostname: host,
        token,
        clock: this.#clock,
        logger: this.#logger,
        random,
        tuning: this.#tuning,
        openings: new Gate(openings),
      },
      signal,
    )
  }

  /** The link whose turn it is for an identity, or any that is up. */
  #link(turn: number): CloudLink | undefined {
    return this.#keepers[turn % this.#keepers.length]?.link ?? this.#keepers.find(keeper => keeper.link)?.link
  }

  #online(): void {
    if (this.#connectivity.type !== 'online') this.#change({ type: 'online', since: this.#clock.now() })
    for (const session of this.#sessions.values()) session.linkUp()
  }

  /** A new reason while offline is no change of connectivity; it shows in the property. */
  #offline(reason: string): void {
    const { type, since } = this.#connectivity
    if (type === 'online') this.#change({ type: 'offline', since: this.#clock.now(), reason })
    else this.#connectivity = { type, since, reason }
  }

  #change(connectivity: Connectivity): void {
    this.#connectivity = connectivity
    const reason = connectivity.type === 'offline' ? connectivity.reason : undefined
    this.#logger.log(reason === undefined ? 'info' : 'warn', `upstream ${connectivity.type}`, { reason })
    this.emit('connectivity', connectivity)
  }

  #offlineReason(): string {
    return this.#connectivity.type === 'offline' ? this.#connectivity.reason : 'reconnecting'
  }
}
