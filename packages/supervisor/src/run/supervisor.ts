import {
  type Clock,
  EdgewrightError,
  type Logger,
  type ModuleRuntime,
  Service,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { ModuleKeeper, type ModuleStatus, type SupervisedModule } from './module-keeper.js'
import { RESTART_DEFAULTS, type RestartOptions } from './restart-policy.js'

/** What a {@link Supervisor} works with. */
export interface SupervisorComponents {
  /** At most one of each type. They are started and stopped with the supervisor. */
  readonly runtimes: readonly ModuleRuntime[]
  readonly clock?: Clock
  readonly logger?: Logger
  /** 0 to 1, for jitter. @default Math.random */
  readonly random?: () => number
}

/** What a {@link Supervisor} keeps running, and how. */
export interface SupervisorOptions {
  readonly modules: readonly SupervisedModule[]
  readonly restart?: RestartOptions
}

/** When what happens is reported. */
export interface SupervisorEvents {
  /** A module's state, its reason or its number of restarts changed. */
  status: [ModuleStatus]
}

/**
 * Keeps modules running, each by itself: what one does or waits for holds no other up. Whether modules outlive the
 * supervisor is their runtime's business.
 */
export class Supervisor extends Service<SupervisorEvents> {
  readonly #runtimes: readonly ModuleRuntime[]
  readonly #keepers: ReadonlyMap<ModuleRuntime, readonly ModuleKeeper[]>
  #ending = new AbortController()
  #kept: Promise<void>[] = []

  /** @throws `MODULE_TYPE_UNKNOWN` when no runtime takes the type of a module */
  constructor(components: SupervisorComponents, options: SupervisorOptions) {
    super()
    const { runtimes, clock = systemClock, logger = silentLogger, random = Math.random } = components
    const settings = { ...RESTART_DEFAULTS, ...options.restart }
    const onStatus = (status: ModuleStatus) => this.emit('status', status)
    this.#runtimes = runtimes
    const keepers = new Map<ModuleRuntime, ModuleKeeper[]>(runtimes.map(runtime => [runtime, []]))
    for (const module of options.modules) {
      const runtime = runtimeFor(module, runtimes)
      const parts = { module, runtime, clock, logger, random, onStatus, options: settings }
      keepers.get(runtime)!.push(new ModuleKeeper(parts))
    }
    this.#keepers = keepers
  }

  /** How every module fares, in the order in which they were given to their runtimes. */
  status(): readonly ModuleStatus[] {
    return [...this.#keepers.values()].flat().map(keeper => keeper.status)
  }

  /** Resolves when supervision runs: modules come up by themselves, whatever each of them waits for. */
  protected async onStart(): Promise<void> {
    this.#ending = new AbortController()
    const { signal } = this.#ending
    for (const runtime of this.#runtimes) await runtime.start()
    for (const [runtime, keepers] of this.#keepers) {
      runtime.watch(seen => keepers.find(({ name }) => name === seen.name)?.observe(seen), signal)
      const all = await runtime.list(signal)
      for (const keeper of keepers) {
        keeper.observe(all.find(({ name }) => name === keeper.name))
        this.#kept.push(keeper.keep(signal))
      }
    }
  }

  protected async onStop(): Promise<void> {
    this.#ending.abort()
    const kept = Promise.all(this.#kept.splice(0))
    await settleInOrder([() => kept, ...this.#runtimes.map(runtime => () => runtime.stop())])
  }
}

function runtimeFor(module: SupervisedModule, runtimes: readonly ModuleRuntime[]): ModuleRuntime {
  const { name, type } = module.specification
  const runtime = runtimes.find(candidate => candidate.type === type)
  if (runtime !== undefined) return runtime
  throw new EdgewrightError('MODULE_TYPE_UNKNOWN', `No runtime takes modules of type "${type}"`, {
    place: name,
    remedy: `Add such a runtime, or use one of: ${runtimes.map(candidate => candidate.type).join(', ')}.`,
  })
}
