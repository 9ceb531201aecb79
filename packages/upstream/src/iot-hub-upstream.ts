import {
  type Clock,
  type CloudSession,
  type Connectivity,
  describeError,
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
import type { CloudLink } from './cloud-link.js'
import { IotHubSession } from './cloud-session.js'
import { LinkKeeper } from './link-keeper.js'
import { type IotHubUpstreamTuning, type TokenSource, tuningOf } from './options.js'
import type { Surroundings } from './surroundings.js'
import { speakerOf } from './speaker.js'
import { Traffic } from './traffic.js'
import type { TransportName } from './transport-choice.js'
import { type HubPorts, isMqtt, type LinkOpener, linkOpener } from './transports.js'

const DEFAULT_TRANSPORTS: readonly TransportName[] = Object.freeze(['amqp', 'amqp-ws'])

/** Where the hub is, and how identities prove themselves there. */
export interface IotHubUpstreamOptions extends IotHubUpstreamTuning {
  /** Host of the hub: dialled unless `gatewayHost` is given, and named in tokens. */
  readonly host: string
  /** A parent gateway to dial in the hub's place. */
  readonly gatewayHost?: string | undefined
  readonly ports?: HubPorts | undefined
  /**
   * The gateway's own identity, usually its `$edgeHub`: the link is up once it was let in. MQTT cannot do without.
   */
  readonly self?: Identity | undefined
  /**
   * By preference: the next is tried when one seems to be blocked, and left again when the first works. MQTT needs
   * `self`, and one connection. @default amqp, amqp-ws
   */
  readonly transports?: readonly TransportName[] | undefined
  /** HTTP proxy for all transports, `http://user:password@host:port`. @default none */
  readonly proxy?: string | undefined
  /** PEM of authorities to trust besides those that Node trusts. */
  readonly ca?: string | undefined
  readonly token: TokenSource
  /** Identities that `self` speaks for, because there is no key of their own to sign with. @default none */
  readonly onBehalf?: ((identity: Identity) => boolean) | undefined
  /** Called each time the cloud refuses an identity's credentials, or there were none to show. */
  readonly onUnauthorized?: ((identity: Identity) => void) | undefined
  /** Bytes a day (UTC), both ways, after which telemetry waits for the next; counted since the start. @default no limit */
  readonly dailyBudget?: number | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** @default silent */
  readonly logger?: Logger | undefined
  /** @default nothing is counted */
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
  readonly #surroundings: Surroundings
  readonly #sessions = new Map<IdentityKey, IotHubSession>()
  #keepers: readonly LinkKeeper[] = []
  #turn = 0
  #connectivity: Connectivity

  constructor(options: IotHubUpstreamOptions) {
    super()
    const { host: hostname, token, clock = systemClock, logger = silentLogger, random = Math.random } = options
    const { meter, dailyBudget, onUnauthorized, self, onBehalf } = options
    const traffic = new Traffic({ clock, meter, dailyBudget })
    const tuning = tuningOf(options)
    if (options.transports?.some(isMqtt) && (options.self === undefined || tuning.connections !== 1)) {
      throw new TypeError('MQTT needs the identity of the gateway itself, and connections: 1')
    }
    this.#options = options
    const speaker = speakerOf(self, onBehalf)
    this.#surroundings = {
      ...{ hostname, token, speakerOf: speaker, onUnauthorized },
      ...{ clock, logger, random, tuning, traffic },
    }
    this.#connectivity = { type: 'offline', since: clock.now(), reason: 'not started' }
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
      logger: this.#surroundings.logger,
    })
    this.#sessions.set(key, session)
    return session
  }

  protected async onStart(): Promise<void> {
    const { host, gatewayHost = host, ports, ca, proxy, self } = this.#options
    const open = linkOpener({ host: gatewayHost, ports, ca, proxy, self }, this.#surroundings)
    this.#offline('connecting')
    this.#keepers = Array.from({ length: this.#surroundings.tuning.connections }, () => this.#keeper(open))
    for (const keeper of this.#keepers) keeper.start()
  }

  protected async onStop(): Promise<void> {
    await settleInOrder(this.#keepers.map(keeper => () => keeper.stop()))
    this.#keepers = []
    this.#offline('stopped')
  }

  #keeper(open: LinkOpener): LinkKeeper {
    const { clock, logger, random, tuning } = this.#surroundings
    return new LinkKeeper({
      transports: this.#options.transports ?? DEFAULT_TRANSPORTS,
      open,
      clock,
      logger,
      random,
      backoff: tuning.reconnect,
      returnBackoff: tuning.returnAfter,
      onUp: () => this.#online(),
      onDown: reason => {
        if (this.#keepers.every(keeper => keeper.link === undefined)) this.#offline(reason)
      },
    })
  }

  /** The link whose turn it is for an identity, or any that is up. */
  #link(turn: number): CloudLink | undefined {
    return this.#keepers[turn % this.#keepers.length]?.link ?? this.#keepers.find(keeper => keeper.link)?.link
  }

  #online(): void {
    if (this.#connectivity.type !== 'online') this.#change({ type: 'online', since: this.#surroundings.clock.now() })
    for (const session of this.#sessions.values()) session.linkUp()
  }

  /** A new reason while offline is no change of connectivity; it shows in the property. */
  #offline(reason: string): void {
    const { type, since } = this.#connectivity
    if (type === 'online') this.#change({ type: 'offline', since: this.#surroundings.clock.now(), reason })
    else this.#connectivity = { type, since, reason }
  }

  #change(connectivity: Connectivity): void {
    this.#connectivity = connectivity
    const reason = connectivity.type === 'offline' ? connectivity.reason : undefined
    this.#surroundings.logger.log(reason === undefined ? 'info' : 'warn', `upstream ${connectivity.type}`, { reason })
    try {
      this.emit('connectivity', connectivity)
    } catch (error) {
      // A listener's failure must not be taken for the link's.
      this.#surroundings.logger.log('error', 'a listener of connectivity failed', { error: describeError(error) })
    }
  }

  #offlineReason(): string {
    return this.#connectivity.type === 'offline' ? this.#connectivity.reason : 'reconnecting'
  }
}
