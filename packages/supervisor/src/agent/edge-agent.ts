import { arch, platform } from 'node:os'
import {
  applyMergePatch,
  type Clock,
  type CloudSession,
  describeError,
  type JsonObject,
  type Logger,
  type MethodRequest,
  type MethodResponse,
  type Sealer,
  Service,
  silentLogger,
  type Store,
  systemClock,
  type Twin,
  type TwinPatch,
  type TwinProperties,
  type Upstream,
} from '@edgewright/core'
import type { Deployment } from '../manifest/deployment.js'
import { ManifestError } from '../manifest/manifest-error.js'
import { parseDeployment } from '../manifest/parse-deployment.js'
import type { SupervisedModule, Supervisor } from '../run/supervisor.js'
import { type DeploymentOutcome, NO_OUTCOME, outcomeOf } from './deployment-outcome.js'
import { KeptDeployment } from './kept-deployment.js'
import { reportedDocument } from './reported-document.js'
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
  #session: CloudSession | undefined
  #loop: TwinLoop | undefined
  #running: Promise<void> = Promise.resolve()
  #writing: Promise<void> = Promise.resolve()
  #end: () => void = () => undefined
  #startedAt = 0
  #desired: TwinProperties | undefined
  #deployment: Deployment | undefined
  #refusal: ManifestError | undefined
  #outcome: DeploymentOutcome = NO_OUTCOME

  constructor(components: EdgeAgentComponents, options: EdgeAgentOptions = {}) {
    super()
    this.#parts = components
    this.#options = { ...EDGE_AGENT_DEFAULTS, ...options }
    this.#clock = components.clock ?? systemClock
    this.#logger = components.logger ?? silentLogger
    this.#kept = new KeptDeployment({ ...components, logger: this.#logger })
  }

  /** The deployment in force. Holds secrets. */
  get deployment(): Deployment | undefined {
    return this.#deployment
  }

  /** Resolves when modules are supervised, by the last good deployment: the cloud need not be there. */
  protected async onStart(): Promise<void> {
    const { supervisor, upstream, deviceId, methods } = this.#parts
    this.#startedAt = this.#clock.now()
    const kept = await this.#kept.read()
    if (kept === undefined) supervisor.apply(this.#options.localModules)
    else this.#accept(kept)
    await supervisor.start()
    const session = upstream.session({ deviceId, moduleId: '$edgeAgent' })
    const loop = new TwinLoop(
      {
        session,
        clock: this.#clock,
        logger: this.#logger,
        onTwin: twin => this.#onTwin(twin),
        document: () => this.#document(),
      },
      this.#options,
    )
    this.#session = session
    this.#loop = loop
    const online = ({ type }: { type: string }) => type === 'online' && loop.refresh()
    const changed = () => loop.change()
    const ending = new AbortController()
    this.#end = () => {
      ending.abort()
      upstream.off('connectivity', online)
      supervisor.off('status', changed)
    }
    upstream.on('connectivity', online)
    supervisor.on('status', changed)
    session.handle({ desired: patch => this.#onPatch(patch), method: methods })
    this.#running = loop.run(ending.signal)
  }

  protected async onStop(): Promise<void> {
    this.#end()
    await this.#running
    await this.#loop?.sendLast(this.#farewell(), this.#options.farewell)
    await this.#writing
    await this.#session?.close().catch(() => undefined)
    await this.#parts.supervisor.stop()
  }

  #onTwin({ desired }: Twin): void {
    this.#take(desired)
  }

  /** Changes build upon one another: when one is missing, the whole is fetched. */
  #onPatch({ patch, version }: TwinPatch): void {
    const before = this.#desired
    if (before === undefined || version === undefined || version > before.version + 1) this.#loop?.refresh()
    else if (version === before.version + 1) {
      this.#take({ properties: applyMergePatch(before.properties, patch), version })
      this.#loop?.change()
    }
  }

  #take(desired: TwinProperties): void {
    const isKnown = this.#desired?.version === desired.version && this.#refusal === undefined
    if (isKnown && JSON.stringify(this.#desired?.properties) === JSON.stringify(desired.properties)) return
    if (this.#accept(desired)) this.#writing = this.#writing.then(() => this.#kept.write(desired))
  }

  /** Has a deployment carried out; one that cannot be used changes nothing but what is reported. */
  #accept(desired: TwinProperties): boolean {
    this.#desired = desired
    try {
      const { supervisor } = this.#parts
      const deployment = parseDeployment(desired.properties, { types: supervisor.types })
      const names = new Set(deployment.modules.map(({ specification }) => specification.name))
      const local = this.#options.localModules.filter(({ specification }) => !names.has(specification.name))
      // First, because applying asks for credentials, and reports.
      this.#deployment = deployment
      this.#refusal = undefined
      supervisor.apply([...deployment.modules, ...local])
      this.#logger.log('info', 'The deployment is carried out', { version: desired.version })
      this.emit('deployment', deployment)
      return true
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error
      this.#refusal = error
      this.#logger.log('error', 'The deployment cannot be used', {
        version: desired.version,
        error: describeError(error),
        problems: error.problems.map(({ message }) => message),
      })
      this.emit('refused', error)
      return false
    }
  }

  #document(): JsonObject {
    const modules = this.#parts.supervisor.status()
    const { version } = this.#desired ?? { version: 0 }
    this.#outcome = outcomeOf({ previous: this.#outcome, version, refusal: this.#refusal, modules })
    return this.#documentOf(this.#outcome, modules)
  }

  /** The agent goes, and nothing is known of modules any more. */
  #farewell(): JsonObject {
    const outcome = { version: this.#outcome.version, code: 406, description: 'Agent is not running' } as const
    this.#outcome = NO_OUTCOME
    return this.#documentOf(outcome, [])
  }

  #documentOf(outcome: DeploymentOutcome, modules: ReturnType<Supervisor['status']>): JsonObject {
    const agent = {
      version: this.#options.version,
      os: platform(),
      architecture: arch() === 'x64' ? 'x86_64' : arch(),
      startedAt: this.#startedAt,
    }
    return reportedDocument({ agent, outcome, deployment: this.#deployment, modules })
  }
}
