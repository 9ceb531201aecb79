import { isIP } from 'node:net'
import { join } from 'node:path'
import {
  type CertificateIssuer,
  type CertificateRequest,
  type Clock,
  type Connectivity,
  EdgewrightError,
  type Identity,
  type Logger,
  memoryMeter,
  type ReadableMeter,
  Service,
  settleInOrder,
  silentLogger,
  sleep,
  type Startable,
  systemClock,
  withDefaults,
} from '@edgewright/core'
import { Hub, HUB_DEFAULTS, type HubConfiguration, StoredIdentityDirectory } from '@edgewright/hub'
import type { RouteError, RouteRules } from '@edgewright/router'
import {
  type CertificateStatus,
  certificateReport,
  certificateStatus,
  DirectoryAuthenticator,
  EdgeAuthority,
  KeyRing,
  RenewingCertificate,
  SealingKey,
} from '@edgewright/security'
import type { EdgeAgent, Supervisor } from '@edgewright/supervisor'
import type {
  Cloud,
  CloudPart,
  FreeTopicsPart,
  FrontEnd,
  FrontEndPart,
  GatewayContext,
  RuntimePart,
  StorePart,
} from './context.js'
import { type GatewayStatus, gatewayStatus } from './gateway-status.js'
import { GatewayModules, type ModulesOptions } from './modules/gateway-modules.js'
import { defaultStore } from './parts/stores.js'

/** A gateway, put together. Only `upstream` has no default. */
export interface GatewayOptions {
  /** The cloud: `iotHub({ connectionString })`, or a link of your own. */
  readonly upstream: CloudPart
  /** Name of this gateway as clients dial it; goes into its certificate. @default 'localhost' */
  readonly hostname?: string | undefined
  /** Further names and addresses for the certificate. @default localhost and the loopback addresses */
  readonly alternativeNames?: readonly string[] | undefined
  /** Where keys, certificates and the store are kept. @default './edgewright-data' */
  readonly dataDir?: string | undefined
  /**
   * The file of the key that seals what is kept, made when there is none: elsewhere, a copy of the data folder can be read
   * by nobody. @default 'keys/sealing.key' in the data folder
   */
  readonly sealingKeyFile?: string | undefined
  readonly store?: StorePart | undefined
  /** Listeners: `mqtt()`, `amqp()`, `https()`. @default none */
  readonly listen?: readonly FrontEndPart[] | undefined
  /** Topics that are not IoT Hub's, on the MQTT listeners: `freeTopics({ … })`. @default none: they are refused */
  readonly topics?: FreeTopicsPart | undefined
  /**
   * What runs modules: `docker()`, `processes()`, `inProcess({ … })`. With any, this gateway is an edge agent too: it
   * carries out the deployment of its device and reports.
   *
   * @default none
   */
  readonly runtimes?: readonly RuntimePart[] | undefined
  /** How modules are supervised, and deployments dealt with. */
  readonly modules?: ModulesOptions | undefined
  /**
   * Route rules by name.
   *
   * @default those that the cloud deploys to `$edgeHub`; until there are any, everything goes to `$upstream`
   */
  readonly routes?: RouteRules | undefined
  /** Seconds that messages wait for delivery; 0 or less: for ever. @default 7,200 */
  readonly timeToLiveSecs?: number | undefined
  /** Clients at the same time. @default 1,000 */
  readonly maxClients?: number | undefined
  /** Issues the server certificates. @default one made on first start, for development only */
  readonly authority?: CertificateIssuer | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly meter?: ReadableMeter | undefined
}

/** Defaults of {@link GatewayOptions}. */
export const GATEWAY_DEFAULTS = Object.freeze({
  hostname: 'localhost',
  alternativeNames: Object.freeze(['localhost', '127.0.0.1', '::1']),
  dataDir: './edgewright-data',
  listen: Object.freeze([]),
  runtimes: Object.freeze([]),
  timeToLiveSecs: HUB_DEFAULTS.timeToLiveSecs,
  maxClients: HUB_DEFAULTS.maxClients,
})

/** Ninety days, in milliseconds: how long a server certificate lasts, unless its authority ends before. */
const CERTIFICATE_VALIDITY = 7_776_000_000

/** Milliseconds until a start that failed is tried again, where the gateway itself wanted to start anew; doubles. */
const RESTART_DELAY = 5_000
const MOST_RESTART_DELAY = 60_000

/** The longest time that Node waits, in milliseconds. */
const MOST_INTERVAL = 2_147_483_647

/** Thirty days, in milliseconds: how long before its end a certificate is warned of that is not replaced here. */
const NOTICE = 2_592_000_000

/** When what happens is reported. */
export interface GatewayEvents {
  /** The link to the cloud went up or down. */
  connectivity: [Connectivity]
}

/** What only a running gateway has. */
interface RunningParts {
  readonly context: GatewayContext
  readonly cloud: Cloud
  readonly store: ReturnType<StorePart>
  readonly hub: Hub
  readonly modules: GatewayModules | undefined
  readonly certificate: RenewingCertificate
  readonly authority: CertificateIssuer
  readonly frontEnds: readonly FrontEnd[]
}

/**
 * The common composition: hub, store, upstream, listeners and modules. It knows nothing that a program cannot put
 * together by itself from the same packages.
 */
export class Gateway extends Service<GatewayEvents> {
  readonly #options: GatewayOptions & typeof GATEWAY_DEFAULTS
  readonly #started: Startable[] = []
  #isWanted = false
  #alive: NodeJS.Timeout | undefined
  #restarting: Promise<void> | undefined
  #stopping = new AbortController()
  #running: RunningParts | undefined

  constructor(options: GatewayOptions) {
    super()
    this.#options = withDefaults(GATEWAY_DEFAULTS, options) as GatewayOptions & typeof GATEWAY_DEFAULTS
  }

  /** The device this gateway is in the cloud. @throws `NOT_RUNNING` */
  get deviceId(): string {
    return this.#parts.cloud.deviceId
  }

  /** The message hub, for what this class does not show. @throws `NOT_RUNNING` */
  get hub(): Hub {
    return this.#parts.hub
  }

  /** Who takes deployments; undefined when there are no runtimes. @throws `NOT_RUNNING` */
  get agent(): EdgeAgent | undefined {
    return this.#parts.modules?.agent
  }

  /** Who keeps modules running; undefined when there are no runtimes. @throws `NOT_RUNNING` */
  get supervisor(): Supervisor | undefined {
    return this.#parts.modules?.supervisor
  }

  /** The certificate that the listeners show: when it expires, and how to replace it now. @throws `NOT_RUNNING` */
  get certificate(): RenewingCertificate {
    return this.#parts.certificate
  }

  /** PEM that clients must trust. @throws `NOT_RUNNING` */
  get trustBundle(): string {
    return this.#parts.authority.trustBundle
  }

  /** Where the listeners listen. @throws `NOT_RUNNING` */
  get addresses(): readonly { readonly protocol: string; readonly host: string; readonly port: number }[] {
    return this.#parts.frontEnds.map(frontEnd => ({ protocol: frontEnd.protocol, ...frontEnd.address() }))
  }

  /** What goes on right now. @throws `NOT_RUNNING` */
  status(): GatewayStatus {
    const { authority, certificate, cloud, context, hub, modules, store } = this.#parts
    const at = context.clock.now()
    return gatewayStatus({
      at,
      certificates: certificatesOf({ authority, certificate, cloud }, at),
      connectivity: cloud.upstream.connectivity,
      readings: context.meter.read(),
      store,
      hub,
      modules: modules?.supervisor.status() ?? [],
    })
  }

  /**
   * Puts other routes in force. A bad one disables itself only.
   *
   * @returns the routes that could not be understood
   */
  configure(configuration: HubConfiguration): readonly RouteError[] {
    return this.#parts.hub.configure(configuration)
  }

  /**
   * Asks the provisioning service where this device belongs now. If that is another hub, everything starts anew; what
   * waits in the store goes there.
   *
   * @returns whether it is another place
   * @throws `NOT_RUNNING`, `PROVISIONING_UNAVAILABLE`, `PROVISIONING_REFUSED`
   */
  async reprovision(signal?: AbortSignal): Promise<boolean> {
    const isElsewhere = (await this.#parts.cloud.reprovision?.(signal)) ?? false
    await this.#restarting
    return isElsewhere
  }

  protected async onStart(): Promise<void> {
    const { dataDir, hostname, clock = systemClock, logger = silentLogger, meter = memoryMeter() } = this.#options
    let directory: StoredIdentityDirectory | undefined
    const stopping = new AbortController()
    this.#stopping = stopping
    // Told to stop before it got here.
    if (!this.#isWanted) stopping.abort(new EdgewrightError('NOT_RUNNING', 'The gateway is stopping'))
    const { sealingKeyFile = join(dataDir, 'keys', 'sealing.key') } = this.#options
    const sealingKey = await SealingKey.open(sealingKeyFile)
    const sealer = sealingKey.sealer('hub')
    const keys = await KeyRing.open({ file: join(dataDir, 'keys', 'keys.sealed'), sealer: sealingKey.sealer('keys') })
    const findIdentity = (identity: Identity) => directory?.find(identity)
    const context: GatewayContext = {
      ...{ hostname, dataDir, clock, logger, meter, keys, findIdentity },
      sealer: purpose => sealingKey.sealer(purpose),
      signal: stopping.signal,
      restart: reason => {
        this.#restarting ??= this.#restart(reason).finally(() => {
          this.#restarting = undefined
        })
      },
    }

    const store = (this.#options.store ?? defaultStore())(context)
    await this.#start(store)
    const cloud = await this.#options.upstream(context)
    cloud.upstream.on('connectivity', connectivity => this.emit('connectivity', connectivity))
    await this.#start(cloud.upstream)
    directory = new StoredIdentityDirectory({ store, sealer, source: cloud.identities, clock, logger })
    await this.#start(directory)
    const authority = this.#options.authority ?? (await developmentAuthority(context))
    const authenticator = new DirectoryAuthenticator(
      { directory, clock },
      { hosts: [cloud.hostName, hostname, ...this.#options.alternativeNames], trustBundle: trustOf(authority, cloud) },
    )
    const { routes, timeToLiveSecs, maxClients } = this.#options
    const hub = new Hub(
      { store, upstream: cloud.upstream, authenticator, directory, sealer, clock, logger, meter },
      { deviceId: cloud.deviceId, routes, timeToLiveSecs, maxClients, configuredByCloud: routes === undefined },
    )
    await this.#start(hub)
    const { runtimes } = this.#options
    const moduleParts = { context, cloud, hub, store, directory, authority }
    const modules = runtimes.length === 0 ? undefined : new GatewayModules(moduleParts, runtimes, this.#options.modules)
    const certificate = new RenewingCertificate(
      { issuer: authority, clock, logger, meter },
      { name: 'server', request: this.#certificateRequest(modules?.names) },
    )
    await this.#start(certificate)
    const topics = this.#options.topics?.({ ...context, deviceId: cloud.deviceId, hub, store })
    if (topics !== undefined) await this.#start(topics)
    const frontEnds = this.#options.listen.map(make => make({ ...context, hub, topics, certificate }))
    for (const frontEnd of frontEnds) await this.#start(frontEnd)
    if (modules !== undefined) await this.#start(modules)
    this.#running = { context, cloud, store, hub, modules, certificate, authority, frontEnds }
    for (const status of this.status().certificates) reportExpiry(status, context)
  }

  /** From here to {@link stop} the process is kept alive, also while there is nothing to do but to wait for a link. */
  override async start(): Promise<void> {
    this.#isWanted = true
    this.#alive ??= setInterval(() => undefined, MOST_INTERVAL)
    try {
      await super.start()
    } catch (error) {
      this.#letGo()
      throw error
    }
  }

  override async stop(): Promise<void> {
    this.#isWanted = false
    this.#stopping.abort(new EdgewrightError('NOT_RUNNING', 'The gateway is stopping'))
    try {
      await super.stop()
    } finally {
      if (!this.#isWanted) this.#letGo()
    }
  }

  /** Lets the process end. */
  #letGo(): void {
    clearInterval(this.#alive)
    this.#alive = undefined
  }

  /** What was started last is stopped first: modules, listeners, hub, directory, upstream, store. */
  protected async onStop(): Promise<void> {
    this.#running = undefined
    this.#stopping.abort(new EdgewrightError('NOT_RUNNING', 'The gateway is stopping'))
    await settleInOrder(
      this.#started
        .splice(0)
        .reverse()
        .map(part => () => part.stop()),
    )
  }

  /** Everything anew, for as long as nobody stops it meanwhile. */
  async #restart(reason: string): Promise<void> {
    const { clock = systemClock, logger = silentLogger } = this.#options
    logger.log('info', 'The gateway starts anew', { reason })
    await super.stop()
    for (let delay = RESTART_DELAY; this.#isWanted; delay = Math.min(2 * delay, MOST_RESTART_DELAY)) {
      try {
        return await super.start()
      } catch (error) {
        logger.log('error', 'The gateway could not start anew', { error, retryIn: delay })
        await sleep(clock, delay)
      }
    }
  }

  #certificateRequest(more: readonly string[] = []): CertificateRequest {
    const { hostname: commonName, alternativeNames } = this.#options
    return {
      commonName,
      ...namesFor([commonName, ...alternativeNames, ...more]),
      usage: 'server',
      validity: CERTIFICATE_VALIDITY,
    }
  }

  get #parts(): RunningParts {
    if (this.#running !== undefined) return this.#running
    throw new EdgewrightError('NOT_RUNNING', 'The gateway is not running', { remedy: 'Call start() first.' })
  }

  async #start(part: Startable): Promise<void> {
    this.#started.push(part)
    await part.start()
  }
}

/** A gateway that does nothing until it is started. */
export function createGateway(options: GatewayOptions): Gateway {
  return new Gateway(options)
}

function trustOf(authority: CertificateIssuer, { trustBundle = '' }: Cloud): string {
  return `${authority.trustBundle}\n${trustBundle}`
}

function developmentAuthority({ dataDir, clock, logger, meter }: GatewayContext): Promise<EdgeAuthority> {
  return EdgeAuthority.forDevelopment({ folder: join(dataDir, 'certificates') }, { clock, logger, meter })
}

type Certified = Pick<RunningParts, 'authority' | 'certificate' | 'cloud'>

function certificatesOf({ authority, certificate, cloud }: Certified, now: number): readonly CertificateStatus[] {
  const { deviceCertificate } = cloud
  return certificateReport([
    certificate,
    ...(authority instanceof EdgeAuthority ? [authority] : []),
    ...(deviceCertificate === undefined ? [] : [{ status: certificateStatus('device', deviceCertificate, now) }]),
  ])
}

/** Says on every start what expires when, and louder when nobody here will replace it in time. */
function reportExpiry(status: CertificateStatus, { clock, logger, meter }: GatewayContext): void {
  const { name, state, expiresAt, renewsAt } = status
  meter.gauge('edgewright_certificate_expiry_seconds', { name }).set(expiresAt / 1_000)
  const isLeft = renewsAt === undefined && expiresAt - clock.now() < NOTICE
  const level = state === 'valid' && !isLeft ? 'info' : 'warn'
  logger.log(level, 'Certificate in force', { name, state, expires: new Date(expiresAt).toISOString() })
}

function namesFor(names: readonly string[]) {
  const distinct = [...new Set(names)]
  return {
    dnsNames: distinct.filter(name => isIP(name) === 0),
    ipAddresses: distinct.filter(name => isIP(name) !== 0),
  }
}
