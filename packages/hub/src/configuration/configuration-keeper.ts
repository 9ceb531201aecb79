import {
  type Clock,
  describeError,
  type Identity,
  identityKey,
  type JsonObject,
  type Logger,
  type Sealer,
  Service,
  type Store,
  type Timer,
  type TwinProperties,
  type Upstream,
} from '@edgewright/core'
import type { RouteRules } from '@edgewright/router'
import type { StoredIdentityDirectory } from '../identities/stored-directory.js'
import { SealedTable } from '../sealed-table.js'
import { Again } from '../again.js'
import type { TwinKeeper } from '../twins/twin-keeper.js'
import { ClientReports } from './client-report.js'
import { answerOwnMethod } from './own-methods.js'
import { parseConfiguration } from './parse-configuration.js'
import type { ConfigurationProblem } from './problem.js'

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
  /** In force before the cloud has said anything. */
  readonly initial: HubConfiguration
  /** Puts a configuration in force. */
  readonly apply: (configuration: HubConfiguration) => void
}

/** Milliseconds during which changes of clients gather before the cloud is told. */
const REPORT_DELAY = 5_000
const LAST_GOOD = 'last-good'
/** A text in a twin holds 4 KiB. */
const MAX_DESCRIPTION_BYTES = 4_000
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
  readonly #again: Again
  #version = -1
  #inForce: HubConfiguration
  #timer: Timer | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** @param identity - of the hub: its device's module `$edgeHub` */
  constructor(parts: ConfigurationComponents, identity: Identity) {
    super()
    this.#parts = parts
    this.#identity = identity
    this.#kept = new SealedTable('configuration', parts)
    this.#again = new Again(parts.clock)
    this.#inForce = parts.initial
  }

  /** Takes note that a client came, for the report. */
  clientConnected(identity: Identity): void {
    if (!this.#reports.connected(identity, this.#parts.clock.now())) {
      this.#parts.logger.log('debug', 'no room for a client in the report', { identity: identityKey(identity) })
    }
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
    const { upstream, directory } = this.#parts
    upstream.session(this.#identity).handle({
      desired: () => void this.#catchUp(),
      listening: () => void this.#catchUp(),
      method: request => answerOwnMethod(request, directory),
    })
    void this.#report({ schemaVersion: '1.0', version: { version: VERSION, build: '', commit: '' }, clients: null })
    // Whoever has been configured before need not wait for the cloud.
    if (kept === undefined && upstream.connectivity.type === 'online') await this.#catchUp()
  }

  protected async onStop(): Promise<void> {
    this.#parts.upstream.session(this.#identity).handle({})
    this.#again.stop()
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#turn
  }

  /** Reads the twin and applies what is new. Patches are not looked at: the whole is small, and never has a gap. */
  #catchUp(): Promise<void> {
    const next = this.#turn.then(() => this.#readAndApply())
    this.#turn = next
    return next
  }

  async #readAndApply(): Promise<void> {
    // Offline there is nothing to try; listening begins anew when the link is back.
    if (this.#parts.upstream.connectivity.type === 'offline') return
    try {
      const { desired } = await this.#parts.twins.fresh(this.#identity)
      if (desired.version !== this.#version) await this.#apply(desired)
      this.#again.succeeded(LAST_GOOD)
    } catch (error) {
      this.#parts.logger.log('warn', 'the configuration could not be read', { reason: describeError(error) })
      this.#again.failed(LAST_GOOD, () => this.#catchUp())
    }
  }

  async #apply({ properties, version }: TwinProperties): Promise<void> {
    // A twin that nobody has deployed to says nothing: what the program was made with stays in force.
    if (Object.keys(properties).length > 0) {
      const { routes, broken, timeToLiveSecs, problems } = parseConfiguration(properties)
      const earlier = this.#inForce
      const configuration = {
        routes: routes === undefined ? earlier.routes : { ...only(earlier.routes, broken), ...routes },
        timeToLiveSecs: timeToLiveSecs ?? earlier.timeToLiveSecs,
      }
      this.#use(configuration)
      await this.#kept.put(LAST_GOOD, configuration)
      for (const problem of problems) {
        this.#parts.logger.log('error', 'a part of the configuration is not used', { ...problem })
      }
      await this.#report({ lastDesiredVersion: version, lastDesiredStatus: statusOf(problems) })
    }
    this.#version = version
  }

  #use(configuration: HubConfiguration): void {
    this.#parts.apply(configuration)
    this.#inForce = configuration
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

/** The rules of some names. */
function only(rules: RouteRules, names: ReadonlySet<string>): RouteRules {
  return Object.fromEntries(Object.entries(rules).filter(([name]) => names.has(name)))
}

function statusOf(problems: readonly ConfigurationProblem[]): JsonObject {
  if (problems.length === 0) return { code: 200, description: '' }
  const lines = problems.map(({ place, problem }) => `${place}: ${problem}`)
  const description = `Error while parsing desired properties\n${lines.join('\n')}`
  return { code: 400, description: Buffer.from(description).subarray(0, MAX_DESCRIPTION_BYTES).toString() }
}
