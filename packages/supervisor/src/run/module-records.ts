import type { Clock, ModuleObservation } from '@edgewright/core'
import { type ModuleMemory, NO_MEMORY } from '../plan/module-memory.js'
import type { ModulePlan } from '../plan/plan-module.js'

/** What is known of modules: what is seen of them, and what is remembered between their runs. */
export class ModuleRecords {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #observed = new Map<string, ModuleObservation>()
  readonly #memory = new Map<string, ModuleMemory>()
  readonly #failures = new Map<string, string>()

  /** @param random - 0 to 1 */
  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  get observed(): ReadonlyMap<string, ModuleObservation> {
    return this.#observed
  }

  get memory(): ReadonlyMap<string, ModuleMemory> {
    return this.#memory
  }

  /** Why the last step for a module failed; undefined when it succeeded. */
  failure(name: string): string | undefined {
    return this.#failures.get(name)
  }

  /** Takes what a runtime sees of a module, or that it is gone. */
  observe(name: string, observation: ModuleObservation | undefined): void {
    const before = this.#observed.get(name)
    const isSame = before?.state === observation?.state && before?.startedAt === observation?.startedAt
    if (!isSame) this.#remember(name, { seenAt: this.#clock.monotonic() })
    if (observation === undefined) this.#observed.delete(name)
    else this.#observed.set(name, observation)
  }

  /** Takes everything that a runtime sees: modules of its type that are not among it are gone. */
  observeAll(type: string, observations: readonly ModuleObservation[]): void {
    const present = new Set(observations.map(({ name }) => name))
    for (const { name, specification } of [...this.#observed.values()]) {
      if (specification.type === type && !present.has(name)) this.observe(name, undefined)
    }
    for (const observation of observations) this.observe(observation.name, observation)
  }

  /** A plan is begun: what it means for later decisions. */
  begin({ name, action }: ModulePlan): void {
    const { restarts } = this.#of(name)
    if (action === 'restart') this.#remember(name, { restarts: restarts + 1, spread: this.#random() })
    if (action === 'create' || action === 'update') this.#remember(name, { restarts: 0, spread: this.#random() })
    this.#remember(name, { stoppedOnPurpose: action === 'stop' })
  }

  /** What keeps a module up does not make good what a change of it failed with. */
  succeed({ name, upkeep }: ModulePlan): void {
    if (upkeep) return
    this.#failures.delete(name)
    this.#remember(name, { failedAttempts: 0 })
  }

  /**
   * The next attempt is spaced from now on; that of a change is not put off by upkeep that fails.
   *
   * @param isRuntimes - whether the fault is its runtime's: it then says nothing of the module, and delays do not grow
   */
  fail({ name, upkeep }: ModulePlan, reason: string, isRuntimes = false): void {
    const now = this.#clock.monotonic()
    this.#failures.set(name, reason)
    const failedAttempts = isRuntimes ? 1 : this.#of(name).failedAttempts + 1
    this.#remember(name, upkeep ? { seenAt: now } : { failedAttempts, attemptedAt: now })
  }

  /** What failed may be tried again at once. */
  hurry(): void {
    for (const [name, { failedAttempts }] of this.#memory) {
      if (failedAttempts > 0) this.#remember(name, { attemptedAt: Number.NEGATIVE_INFINITY })
    }
  }

  /** It is as it should be, whatever brought it there. */
  settle(name: string): void {
    if (!this.#failures.delete(name)) return
    this.#remember(name, { failedAttempts: 0 })
  }

  /** It has been healthy for long. */
  forgetRestarts(name: string): void {
    this.#remember(name, { restarts: 0 })
  }

  /** It is wanted otherwise than before: what went wrong until now says nothing any more. */
  forgive(name: string): void {
    this.#failures.delete(name)
    this.#remember(name, { restarts: 0, failedAttempts: 0 })
  }

  /** Forgets modules that are neither wanted nor there. */
  prune(wanted: ReadonlySet<string>): void {
    for (const name of this.#memory.keys()) {
      if (wanted.has(name) || this.#observed.has(name)) continue
      this.#memory.delete(name)
      this.#failures.delete(name)
    }
  }

  #of(name: string): ModuleMemory {
    return this.#memory.get(name) ?? NO_MEMORY
  }

  #remember(name: string, news: Partial<ModuleMemory>): void {
    this.#memory.set(name, { ...this.#of(name), ...news })
  }
}
