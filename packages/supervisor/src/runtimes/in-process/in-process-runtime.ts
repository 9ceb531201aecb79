import { isDeepStrictEqual } from 'node:util'
import {
  type Clock,
  EdgewrightError,
  type Logger,
  type ModuleHost,
  type ModuleLogLine,
  type ModuleLogQuery,
  type ModuleObservation,
  type ModuleRuntime,
  type ModuleSpecification,
  Service,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { LogRing } from '../log-ring.js'
import { moduleExists, moduleNotFound } from '../module-error.js'
import type { ModuleFunction } from './module-context.js'
import { moduleLogger } from './module-logger.js'
import { ModuleRun } from './module-run.js'

/** What an {@link InProcessRuntime} works with. */
export interface InProcessComponents {
  readonly host: ModuleHost
  readonly clock?: Clock
  readonly logger?: Logger
}

/** What an {@link InProcessRuntime} runs, and how patient it is. */
export interface InProcessOptions {
  /** Functions by name. A module runs the one of its own name, or the one that `settings.function` names. */
  readonly functions: Readonly<Record<string, ModuleFunction>>
  /** Milliseconds that a module has to end when the hub closes its session, or this runtime stops. @default 10 s */
  readonly grace?: number
}

/** How patient the runtime is when nothing else is said. */
export const IN_PROCESS_DEFAULTS = Object.freeze({ grace: 10_000 }) satisfies Partial<InProcessOptions>

const TYPE = 'in-process'

interface Module {
  observation: ModuleObservation
  readonly body: ModuleFunction
  readonly log: LogRing
  run?: ModuleRun
}

/**
 * Runs modules that are functions of this program. A module that throws has failed, and touches no other; what it
 * leaves running in the background is its own affair, because a program cannot take a function back. No module outlives
 * the runtime.
 */
export class InProcessRuntime
  extends Service<{ change: [name: string, observation: ModuleObservation | undefined] }>
  implements ModuleRuntime
{
  readonly type = TYPE
  readonly #host: ModuleHost
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #options: Required<InProcessOptions>
  readonly #modules = new Map<string, Module>()

  constructor(components: InProcessComponents, options: InProcessOptions) {
    super()
    this.#host = components.host
    this.#clock = components.clock ?? systemClock
    this.#logger = components.logger ?? silentLogger
    this.#options = { ...IN_PROCESS_DEFAULTS, ...options }
  }

  /** A module for each function, for programs that have no deployment. */
  get specifications(): readonly ModuleSpecification[] {
    return Object.keys(this.#options.functions).map(name => ({ name, type: TYPE, settings: {}, environment: {} }))
  }

  async list(): Promise<readonly ModuleObservation[]> {
    return Array.from(this.#modules.values(), module => module.observation)
  }

  watch(listener: (name: string, observation: ModuleObservation | undefined) => void, signal: AbortSignal): void {
    if (signal.aborted) return
    this.on('change', listener)
    signal.addEventListener('abort', () => this.off('change', listener), { once: true })
  }

  async pull(): Promise<void> {}

  async create(specification: ModuleSpecification): Promise<void> {
    this.assertRunning()
    const { name } = specification
    const existing = this.#modules.get(name)
    if (existing !== undefined) {
      if (isDeepStrictEqual(existing.observation.specification, specification)) return
      throw moduleExists(name)
    }
    const wanted = String(specification.settings.function ?? name)
    const body = Object.hasOwn(this.#options.functions, wanted) ? this.#options.functions[wanted] : undefined
    if (body === undefined) {
      throw new EdgewrightError('MODULE_NOT_AVAILABLE', `This program has no module function "${wanted}"`, {
        place: name,
        remedy: `Pass it to inProcess(), or name one of: ${Object.keys(this.#options.functions).join(', ')}.`,
      })
    }
    const observation: ModuleObservation = { name, state: 'created', specification }
    this.#modules.set(name, { observation, body, log: new LogRing(this.#clock) })
    this.emit('change', observation.name, observation)
  }

  async startModule(name: string, signal?: AbortSignal): Promise<void> {
    this.assertRunning()
    const module = this.#find(name)
    while (module.run?.stopping) await module.run.ended
    signal?.throwIfAborted()
    const run = (module.run ??= this.#begin(module))
    const giveUp = () => void run.stop(0)
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      await run.started
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  async stopModule(name: string, grace: number): Promise<void> {
    await this.#modules.get(name)?.run?.stop(grace)
  }

  async remove(name: string): Promise<void> {
    await this.stopModule(name, 0)
    if (this.#modules.delete(name)) this.emit('change', name, undefined)
  }

  async *logs(name: string, query?: ModuleLogQuery, signal?: AbortSignal): AsyncGenerator<ModuleLogLine, void> {
    yield* this.#find(name).log.read(query, signal)
  }

  protected async onStart(): Promise<void> {}

  protected async onStop(): Promise<void> {
    await Promise.all(Array.from(this.#modules.keys(), name => this.stopModule(name, this.#options.grace)))
    this.#modules.clear()
  }

  #begin(module: Module): ModuleRun {
    const { body, log } = module
    const { name, specification } = module.observation
    const logger = moduleLogger(name, log, this.#logger)
    const { grace } = this.#options
    const run = new ModuleRun({ specification, body, host: this.#host, clock: this.#clock, logger, grace })
    const startedAt = this.#clock.now()
    run.started.then(
      () => this.#observe(module, { name, specification, state: 'running', startedAt }),
      () => undefined,
    )
    void run.ended.then(({ exitCode, reason }) => {
      delete module.run
      if (reason !== undefined) logger.log('error', 'The module ended', { reason })
      const state = exitCode === 0 ? 'stopped' : 'failed'
      this.#observe(module, { name, specification, state, startedAt, exitedAt: this.#clock.now(), exitCode, reason })
    })
    return run
  }

  #observe(module: Module, observation: ModuleObservation): void {
    module.observation = observation
    this.emit('change', observation.name, observation)
  }

  #find(name: string): Module {
    const module = this.#modules.get(name)
    if (module === undefined) throw moduleNotFound(name)
    return module
  }
}
