import {
  applyMergePatch,
  type Clock,
  type CloudSession,
  describeError,
  type JsonObject,
  type JsonValue,
  type Logger,
  type MethodRequest,
  type MethodResponse,
  type Sealer,
  Service,
  silentLogger,
  type Store,
  systemClock,
  type TwinPatch,
  type TwinProperties,
  type Upstream,
} from '@edgewright/core'
import type { Deployment } from '../manifest/deployment.js'
import { ManifestError } from '../manifest/manifest-error.js'
import { parseDeployment } from '../manifest/parse-deployment.js'
import type { Plan } from '../plan/plan.js'
import type { SupervisedModule, Supervisor } from '../run/supervisor.js'
import { AgentReport } from './agent-report.js'
import { type AgentSettings, NO_AGENT_SETTINGS, readAgentSettings } from './agent-settings.js'
import { type DeploymentOrder, KeptDeployment } from './kept-deployment.js'
import { TwinLoop } from './twin-loop.js'

/** Answers the direct methods of `$edgeAgent`. */
export type AgentMethodHandler = (request: MethodRequest, signal: AbortSignal) => Promise<MethodResponse>

/** What an {@link EdgeAgent} works with. */
export interface EdgeAgentComponents {
  /** Started and stopped with the agent. */
  readonly supervisor: Supervisor
  readonly upstream: Pick<Upstream, 'session' | 'on' | 'off'>
  readonly deviceId: string
  /** Where the last good deployment is kept; running before the agent starts. */
  readonly store: Store
  readonly sealer: Sealer
  readonly methods?: AgentMethodHandler
  readonly clock?: Clock
  readonly logger?: Logger
}

/** How an {@link EdgeAgent} deals with its deployment. All times in milliseconds. */
export interface EdgeAgentOptions {
  /** Modules that run whatever the deployment says, unless it has one of the same name. @default none */
  readonly localModules?: readonly SupervisedModule[]
  /** Whether the twin's desired properties are followed; if not, only what {@link EdgeAgent.deploy} is given. @default true */
  readonly followsCloud?: boolean
  /** Reported as the version of the agent. @default '' */
  readonly version?: string
  /** Changes that come so close to one another are reported together. @default 1 s */
  readonly gather?: number
  /** Until the twin is fetched anew, whatever happened. @default 1 h */
  readonly refresh?: number
  /** Before a failed call to the cloud is tried again; doubled each time. @default 5 s */
  readonly firstRetry?: number
  /** The longest time between two tries. @default 5 min */
  readonly maxRetry?: number
  /** What one call to the cloud may take. @default 60 s */
  readonly deadline?: number
  /** What the last report may take when the agent stops. @default 2 s */
  readonly farewell?: number
}

/** How a deployment is dealt with when nothing else is said. */
export const EDGE_AGENT_DEFAULTS = Object.freeze({
  localModules: [] as readonly SupervisedModule[],
  followsCloud: true as boolean,
  version: '',
  gather: 1_000,
  refresh: 3_600_000,
  firstRetry: 5_000,
  maxRetry: 300_000,
  deadline: 60_000,
  farewell: 2_000,
}) satisfies Required<EdgeAgentOptions>

/** When what happens is reported. */
export interface EdgeAgentEvents {
  /** Another deployment is in force. */
  deployment: [Deployment]
  /** A deployment cannot be used; the one before stays in force. */
  refused: [ManifestError]
}

/**
 * What the original's edge agent is to the cloud: takes deployments from the twin of `$edgeAgent`, has them carried out,
 * reports how modules fare, and answers methods. Without a network it goes by the last good deployment.
 */
export class EdgeAgent extends Service<EdgeAgentEvents> {
  readonly #parts: EdgeAgentComponents
  readonly #options: Required<EdgeAgentOptions>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #kept: KeptDeployment
  readonly #report: AgentReport
  #session: CloudSession | undefined
  #loop: TwinLoop | undefined
  #running: Promise<void> = Promise.resolve()
  #writing: Promise<void> = Promise.resolve()
  #end: () => void = () => undefined
  #order: DeploymentOrder | undefined
  #deployment: Deployment | undefined
  #settings: AgentSettings = NO_AGENT_SETTINGS
  #refusal: ManifestError | undefined

  constructor(components: EdgeAgentComponents, options: EdgeAgentOptions = {}) {
    super()
    this.#parts = components
    this.#options = { ...EDGE_AGENT_DEFAULTS, ...options }
    this.#clock = components.clock ?? systemClock
    this.#logger = components.logger ?? silentLogger
    this.#kept = new KeptDeployment({ ...components, logger: this.#logger })
    this.#report = new AgentReport(this.#options.version)
  }

  /** The deployment in force. Holds secrets. */
  get deployment(): Deployment | undefined {
    return this.#deployment
  }

  /** What the deployment in force says to the agent itself. Holds secrets. */
  get settings(): AgentSettings {
    return this.#settings
  }

  /**
   * What would be done if a deployment were carried out; nothing is.
   *
   * @param document - the desired properties of `$edgeAgent`, or a whole document with `modulesContent`
   * @throws ManifestError (`MANIFEST_INVALID`)
   */
  preview(document: JsonValue): Plan {
    return this.#parts.supervisor.preview(this.#modulesOf(this.#parse(document)))
  }

  /**
   * Carries a deployment out that does not come from the cloud. It is kept like any other, and stands until the twin
   * changes: the newest order counts. Resolves when it is in force and kept; modules come up by themselves.
   *
   * @param document - the desired properties of `$edgeAgent`, or a whole document with `modulesContent`
   * @throws ManifestError (`MANIFEST_INVALID`), and nothing changes; `NOT_RUNNING`
   */
  async deploy(document: JsonObject): Promise<void> {
    this.assertRunning()
    this.#parse(document)
    this.#accept({ desired: this.#order?.desired ?? UNKNOWN, local: document })
    this.#loop?.change()
    await this.#writing
  }

  /** Resolves when modules are supervised, by the last good deployment: the cloud need not be there. */
  protected async onStart(): Promise<void> {
    const { supervisor, upstream, deviceId, methods } = this.#parts
    this.#report.begin(this.#clock.now())
    // Until it is known what is wanted, modules that run on from before are left alone.
    supervisor.apply(this.#options.localModules, true)
    const kept = await this.#kept.read()
    if (kept !== undefined) this.#accept(kept, true)
    await supervisor.start()
    const session = upstream.session({ deviceId, moduleId: '$edgeAgent' })
    const loop = new TwinLoop(
      {
        session,
        clock: this.#clock,
        logger: this.#logger,
        onTwin: ({ desired }) => this.#take(desired),
        document: () => this.#document(),
        refresh: () => this.#settings.refresh ?? this.#options.refresh,
      },
      this.#options,
    )
    this.#session = session
    this.#loop = loop
    const online = ({ type }: { type: string }) => {
      if (type !== 'online') return
      loop.refresh()
      // With the cloud, registries are there again.
      supervisor.retry()
    }
    const changed = () => loop.change()
    const ending = new AbortController()
    this.#end = () => {
      ending.abort()
      upstream.off('connectivity', online)
      supervisor.off('status', changed)
      supervisor.off('gone', changed)
    }
    upstream.on('connectivity', online)
    supervisor.on('status', changed)
    supervisor.on('gone', changed)
    session.handle({ desired: patch => this.#onPatch(patch), method: methods })
    this.#running = loop.run(ending.signal)
  }

  protected async onStop(): Promise<void> {
    this.#end()
    await this.#running
    await this.#loop?.sendLast(this.#report.farewell(this.#deployment), this.#options.farewell)
    await this.#writing
    await this.#session?.close().catch(() => undefined)
    await this.#parts.supervisor.stop()
  }

  /** Changes build upon one another: when one is missing, the whole is fetched. */
  #onPatch({ patch, version }: TwinPatch): void {
    const before = this.#order?.desired
    if (before === undefined || before === UNKNOWN || version === undefined || version > before.version + 1) {
      this.#loop?.refresh()
    } else if (version === before.version + 1) {
      this.#take({ properties: applyMergePatch(before.properties, patch), version })
      this.#loop?.change()
    }
  }

  /** Takes what the cloud wants, unless it wanted the same before, or a local order came later. */
  #take(desired: TwinProperties): void {
    const { desired: before, local } = this.#order ?? {}
    const isSame =
      before?.version === desired.version && JSON.stringify(before.properties) === JSON.stringify(desired.properties)
    const isOverruled = local !== undefined && (isSame || before === UNKNOWN || before?.version === UNKNOWN.version)
    if (!this.#options.followsCloud || isOverruled) {
      this.#order = { desired, local }
      if (local !== undefined && !isSame) this.#keep(this.#order)
    } else if (!isSame || this.#refusal !== undefined) this.#accept({ desired })
  }

  /** Has a deployment carried out; one that cannot be used changes nothing but what is reported. */
  #accept(order: DeploymentOrder, isKept = false): void {
    const { version } = order.desired
    this.#order = order
    try {
      const deployment = this.#parse(order.local ?? order.desired.properties)
      // First, because applying asks for credentials, and reports.
      this.#deployment = deployment
      this.#refusal = undefined
      this.#settle(deployment)
      this.#parts.supervisor.apply(this.#modulesOf(deployment))
      this.#logger.log('info', 'The deployment is carried out', { version, local: order.local !== undefined })
      if (!isKept) this.#keep(order)
      this.emit('deployment', deployment)
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error
      this.#refusal = error
      this.#logRefusal(error, version)
      this.emit('refused', error)
    }
  }

  /** Takes what the deployment says to the agent itself. */
  #settle({ systemModules: { edgeAgent } }: Deployment): void {
    this.#settings = readAgentSettings(edgeAgent?.specification.environment ?? {})
    const { restarts, ignored } = this.#settings
    this.#parts.supervisor.tune(restarts)
    if (ignored.length > 0) this.#logger.log('info', 'Settings of edgeAgent that mean nothing here', { ignored })
  }

  /** A device without a deployment is nothing that went wrong. */
  #logRefusal(error: ManifestError, version: number): void {
    const problems = error.problems.map(({ message }) => message)
    if (error.status === 417) this.#logger.log('info', 'There is no deployment', { version })
    else this.#logger.log('error', 'The deployment cannot be used', { version, error: describeError(error), problems })
  }

  #parse(document: JsonValue): Deployment {
    return parseDeployment(document, { types: this.#parts.supervisor.types })
  }

  /** A module of the deployment stands in for a local one of its name. */
  #modulesOf({ modules }: Deployment): readonly SupervisedModule[] {
    const names = new Set(modules.map(({ specification }) => specification.name))
    return [...modules, ...this.#options.localModules.filter(({ specification }) => !names.has(specification.name))]
  }

  #keep(order: DeploymentOrder): void {
    this.#writing = this.#writing.then(() => this.#kept.write(order))
  }

  #document(): JsonObject {
    const { version } = this.#order?.desired ?? UNKNOWN
    const modules = this.#parts.supervisor.status()
    return this.#report.write({ version, refusal: this.#refusal, deployment: this.#deployment, modules })
  }
}

/** What the cloud wants, before it has said so. */
const UNKNOWN: TwinProperties = Object.freeze({ properties: {}, version: 0 })
