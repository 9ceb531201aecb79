import {
  type Clock,
  describeError,
  type Identity,
  identityKey,
  isJsonObject,
  type JsonObject,
  type Logger,
  type MethodRequest,
  type MethodResponse,
  type Sealer,
  Service,
  type Store,
  type Timer,
  type Upstream,
} from '@edgewright/core'
import type { RouteError, RouteRules } from '@edgewright/router'
import type { StoredIdentityDirectory } from '../identities/stored-directory.js'
import { SealedTable } from '../sealed-table.js'
import type { TwinKeeper } from '../twins/twin-keeper.js'
import { ClientReports } from './client-report.js'
import { type ConfigurationProblem, isUsable, parseConfiguration } from './parse-configuration.js'

/** What is in force for messages. */
export interface HubConfiguration {
  readonly routes: RouteRules
  /** Seconds that messages wait for delivery; 0 or less: for ever. */
  readonly timeToLiveSecs?: number | undefined
}

/** What a {@link ConfigurationKeeper} works with. */
export interface ConfigurationComponents {
  readonly store: Store
  readonly sealer: Sealer
  readonly upstream: Upstream
  readonly twins: TwinKeeper
  readonly directory: StoredIdentityDirectory
  readonly clock: Clock
  readonly logger: Logger
  /** Puts a configuration in force. @returns the routes that cannot be used */
  readonly apply: (configuration: HubConfiguration) => readonly RouteError[]
}

/** Milliseconds during which changes of clients gather before the cloud is told. */
const REPORT_DELAY = 5_000
const LAST_GOOD = 'last-good'
const VERSION = '0.1.0'

/**
 * The hub's own twin: takes routes and settings from its desired properties and reports what became of them, in the
 * original's shape. What cannot be used is reported with its place; a route that was good before stays as it was.
 * The last good configuration is kept, so that a start without a link has it.
 */
export class ConfigurationKeeper extends Service {
  readonly #parts: ConfigurationComponents
  readonly #identity: Identity
  readonly #kept: SealedTable<HubConfiguration>
  readonly #reports = new ClientReports()
  readonly #onConnectivity = () => void this.#catchUp()
  #desired: JsonObject = {}
  #version = -1
  #inForce: HubConfiguration | undefined
  #timer: Timer | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** @param identity - of the hub: its device's module `$edgeHub` */
  constructor(parts: ConfigurationComponents, identity: Identity) {
    super()
    this.#parts = parts
    this.#identity = identity
    this.#kept = new SealedTable('configuration', parts)
  }

  /** Takes note that a client came, for the report. */
  clientConnected(identity: Identity): void {
    this.#reports.connected(identity, this.#parts.clock.now())
    this.#reportSoon()
  }

  /** Takes note that a client went. */
  clientDisconnected(identity: Identity): void {
    this.#reports.disconnected(identity, this.#parts.clock.now())
    this.#reportSoon()
  }

  protected async onStart(): Promise<void> {
    const kept = await this.#kept.get(LAST_GOOD)
    if (kept !== undefined) this.#use(kept)
    const { upstream } = this.#parts
    upstream.session(this.#identity).handle({
      desired: () => void this.#catchUp(),
      listening: () => void this.#catchUp(),
      method: request => this.#method(request),
    })
    upstream.on('connectivity', this.#onConnectivity)
    void this.#report({ schemaVersion: '1.0', version: { version: VERSION }, clients: null })
    if (upstream.connectivity.type === 'online') await this.#catchUp()
  }

  protected async onStop(): Promise<void> {
    this.#parts.upstream.off('connectivity', this.#onConnectivity)
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#turn
  }

  /** Reads the twin and applies what is new. Patches are not looked at: the whole is small, and never has a gap. */
  #catchUp(): Promise<void> {
    const step = async () => {
      if (this.#parts.upstream.connectivity.type === 'offline') return
      const { desired } = await this.#parts.twins.get(this.#identity)
      if (desired.version === this.#version) return
      this.#version = desired.version
      this.#desired = desired.properties
      await this.#applyDesired()
    }
    const next = this.#turn.then(step).catch(error => {
      this.#parts.logger.log('warn', 'the configuration could not be read', { reason: describeError(error) })
    })
    this.#turn = next
    return next
  }

  async #applyDesired(): Promise<void> {
    // A twin that nobody has deployed to says nothing: what the program was made with stays in force.
    if (Object.keys(this.#desired).length === 0) return
    const parsed = parseConfiguration(this.#desired)
    const problems: ConfigurationProblem[] = [...parsed.problems]
    if (isUsable(parsed)) {
      const { timeToLiveSecs } = parsed
      const errors = this.#use({ routes: parsed.routes, timeToLiveSecs })
      for (const error of errors) problems.push({ place: `routes.${error.route}`, problem: describeError(error) })
      const broken = new Set(errors.map(({ route }) => route))
      const routes = withEarlierRules(parsed.routes, broken, this.#inForce?.routes ?? {})
      if (broken.size > 0) this.#use({ routes, timeToLiveSecs })
      this.#inForce = { routes, timeToLiveSecs }
      await this.#kept.put(LAST_GOOD, this.#inForce)
    }
    for (const { place, problem } of problems)
      this.#parts.logger.log('error', 'a part of the configuration is not used', { place, problem })
    await this.#report({ lastDesiredVersion: this.#version, lastDesiredStatus: statusOf(problems) })
  }

  #use(configuration: HubConfiguration): readonly RouteError[] {
    const errors = this.#parts.apply(configuration)
    if (errors.length === 0) this.#inForce = configuration
    return errors
  }

  async #method({ name, payload }: MethodRequest): Promise<MethodResponse> {
    if (name !== 'RefreshDeviceScopeIdentityCache') return { status: 404 }
    const ids = isJsonObject(payload) ? payload.deviceIds : undefined
    if (!Array.isArray(ids) || !ids.every(id => typeof id === 'string')) {
      return { status: 400, payload: { message: 'deviceIds is not a list of device ids' } }
    }
    await this.#parts.directory.refreshAll()
    return { status: 200 }
  }

  #reportSoon(): void {
    if (this.state !== 'running') return
    this.#timer ??= this.#parts.clock.after(REPORT_DELAY, () => {
      this.#timer = undefined
      if (!this.#reports.isEmpty) void this.#report({ clients: this.#reports.take() })
    })
  }

  async #report(patch: JsonObject): Promise<void> {
    try {
      await this.#parts.twins.reportOwn(this.#identity, patch)
    } catch (error) {
      const place = identityKey(this.#identity)
      this.#parts.logger.log('warn', 'the hub could not report', { place, reason: describeError(error) })
    }
  }
}

/** The rules with those that are broken as they were before; a broken one that was not there before is left out. */
function withEarlierRules(rules: JsonObject, broken: ReadonlySet<string>, earlier: RouteRules): RouteRules {
  const kept = Object.entries(rules).map(([name, rule]) => [name, broken.has(name) ? earlier[name] : rule] as const)
  return Object.fromEntries(kept.filter(([, rule]) => rule !== undefined)) as RouteRules
}

function statusOf(problems: readonly ConfigurationProblem[]): JsonObject {
  if (problems.length === 0) return { code: 200, description: '' }
  const lines = problems.map(({ place, problem }) => `${place}: ${problem}`)
  return { code: 400, description: lines.join('\n').slice(0, 4_000) }
}
