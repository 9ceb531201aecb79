import { isDeepStrictEqual } from 'node:util'
import {
  type Clock,
  type ModuleLogLine,
  type ModuleLogQuery,
  type ModuleObservation,
  type ModuleRuntime,
  type ModuleSpecification,
  Service,
  systemClock,
} from '@edgewright/core'
import { LOG_RING_DEFAULTS, LogRing, type LogRingOptions } from '../log-ring.js'
import { moduleExists, moduleNotFound } from '../module-error.js'
import { findProgram } from './find-program.js'
import { limitArguments } from './process-limits.js'
import { ProcessRun } from './process-run.js'
import { type ProcessSettings, readProcessSettings } from './process-settings.js'

/** What a {@link ProcessRuntime} works with. */
export interface ProcessComponents {
  readonly clock?: Clock
  /** The environment of the gateway. @default process.env */
  readonly environment?: NodeJS.ProcessEnv
  /** The whole environment of a module, beside what is inherited; asked each time it starts. @default its own */
  readonly prepare?: (specification: ModuleSpecification) => Promise<Readonly<Record<string, string>>>
}

/** Which programs may run, with what, and how much of what they write is kept. */
export interface ProcessOptions {
  /** Files, and folders of them, that a deployment may run; links are followed. @default any program */
  readonly allowed?: readonly string[]
  /** Variables of the gateway's environment that modules get; no others. @default PATH, HOME, LANG, TZ, TMPDIR */
  readonly inherited?: readonly string[]
  /** How much of each module's log is kept, in memory. */
  readonly log?: LogRingOptions
  /** Milliseconds that modules have to end when this runtime stops. @default 10 s */
  readonly grace?: number
}

/** How programs run when nothing else is said. */
export const PROCESS_DEFAULTS = Object.freeze({
  inherited: Object.freeze(['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR']) as readonly string[],
  log: LOG_RING_DEFAULTS as LogRingOptions,
  grace: 10_000 as number,
}) satisfies ProcessOptions

interface Module {
  observation: ModuleObservation
  readonly settings: ProcessSettings
  readonly program: string
  /** What starts it under limits. */
  readonly launcher: string | undefined
  readonly log: LogRing
  /** The run that is under way, from the call that starts it. */
  run?: Promise<ProcessRun>
}

/**
 * Runs modules that are programs of this machine, without a shell: settings `command`, `args`, `cwd` and `limits`. Each has a
 * process group of its own, and ends with all that it started. No module outlives the runtime, unless the gateway
 * itself is killed: then its programs run on, and a service manager that ends the whole group of the service is wanted.
 */
export class ProcessRuntime
  extends Service<{ change: [name: string, observation: ModuleObservation | undefined] }>
  implements ModuleRuntime
{
  readonly type = 'process'
  readonly #parts: ProcessComponents
  readonly #clock: Clock
  readonly #options: ProcessOptions & typeof PROCESS_DEFAULTS
  readonly #modules = new Map<string, Module>()

  constructor(components: ProcessComponents = {}, options: ProcessOptions = {}) {
    super()
    this.#parts = components
    this.#clock = components.clock ?? systemClock
    this.#options = { ...PROCESS_DEFAULTS, ...options }
  }

  async list(): Promise<readonly ModuleObservation[]> {
    return Array.from(this.#modules.values(), module => module.observation)
  }

  watch(listener: (name: string, observation: ModuleObservation | undefined) => void, signal: AbortSignal): void {
    if (signal.aborted) return
    this.on('change', listener)
    signal.addEventListener('abort', () => this.off('change', listener), { once: true })
  }

  /** Nothing is fetched: programs are installed by other means. */
  async pull(): Promise<void> {}

  async create(specification: ModuleSpecification): Promise<void> {
    this.assertRunning()
    const { name } = specification
    const settings = readProcessSettings(specification)
    const places = { path: this.#inherited().PATH ?? '', allowed: this.#options.allowed }
    const program = await findProgram(specification, settings, places)
    const launcher = await this.#launcher(specification, settings)
    const existing = this.#modules.get(name)
    if (existing !== undefined) {
      if (isDeepStrictEqual(existing.observation.specification, specification)) return
      throw moduleExists(name)
    }
    const observation: ModuleObservation = { name, state: 'created', specification }
    const log = new LogRing(this.#clock, this.#options.log)
    this.#modules.set(name, { observation, settings, program, launcher, log })
    this.emit('change', name, observation)
  }

  async startModule(name: string, signal?: AbortSignal): Promise<void> {
    this.assertRunning()
    const module = this.#find(name)
    for (let run = await module.run; run?.stopping; run = await module.run) await run.ended
    signal?.throwIfAborted()
    module.run ??= this.#begin(module)
    await (await module.run).started
  }

  async stopModule(name: string, grace: number): Promise<void> {
    const run = await this.#modules.get(name)?.run
    await run?.stop(grace)
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

  async #begin(module: Module): Promise<ProcessRun> {
    const { settings, program, launcher, log } = module
    const { name, specification } = module.observation
    try {
      const own = (await this.#parts.prepare?.(specification)) ?? specification.environment
      const environment = { ...this.#inherited(), ...own }
      const { cwd, args, limits } = settings
      const command =
        launcher === undefined
          ? { program, args }
          : { program: launcher, args: [...limitArguments(limits), program, ...args] }
      const run = new ProcessRun({ ...command, name, cwd, environment, log, clock: this.#clock })
      this.#follow(module, run)
      return run
    } catch (error) {
      delete module.run
      throw error
    }
  }

  /** Limits are set by a program of the system, which then becomes the module's own: nothing stays in between. */
  async #launcher(specification: ModuleSpecification, settings: ProcessSettings): Promise<string | undefined> {
    if (Object.keys(settings.limits).length === 0) return undefined
    const { PATH: path = '' } = this.#parts.environment ?? process.env
    return await findProgram(specification, { ...settings, command: 'prlimit' }, { path, allowed: undefined })
  }

  #follow(module: Module, run: ProcessRun): void {
    const { name, specification } = module.observation
    const startedAt = this.#clock.now()
    run.started.then(
      () => this.#observe(module, { name, specification, state: 'running', startedAt }),
      () => undefined,
    )
    void run.ended.then(end => {
      delete module.run
      this.#observe(module, { name, specification, startedAt, exitedAt: this.#clock.now(), ...end })
    })
  }

  #observe(module: Module, observation: ModuleObservation): void {
    module.observation = observation
    this.emit('change', observation.name, observation)
  }

  #inherited(): Record<string, string> {
    const environment = this.#parts.environment ?? process.env
    const names = this.#options.inherited.filter(name => environment[name] !== undefined)
    return Object.fromEntries(names.map(name => [name, environment[name]!]))
  }

  #find(name: string): Module {
    const module = this.#modules.get(name)
    if (module === undefined) throw moduleNotFound(name)
    return module
  }
}
