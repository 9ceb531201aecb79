import { isDeepStrictEqual } from 'node:util'
import {
  type Clock,
  describeError,
  type Logger,
  type ModuleObservation,
  type ModuleRuntime,
  type ModuleSpecification,
  type ModuleState,
} from '@edgewright/core'
import {
  type Decision,
  decide,
  NO_RESTARTS,
  type RestartMemory,
  type RestartOptions,
  type RestartPolicy,
} from './restart-policy.js'

/** A module that is to run. */
export interface SupervisedModule {
  readonly specification: ModuleSpecification
  /** @default 'always' */
  readonly restartPolicy?: RestartPolicy
}

/** How a supervised module fares. */
export interface ModuleStatus {
  readonly name: string
  /** `backoff`: it waits for its next restart. `missing`: its runtime does not have it. */
  readonly state: ModuleState | 'backoff' | 'missing'
  /** Why it is in this state. */
  readonly reason: string
  /** Restarts since it was healthy last. */
  readonly restarts: number
  /** Milliseconds since 1970 when it is acted upon next, when that is known. */
  readonly nextActionAt?: number
  readonly observation?: ModuleObservation
}

/** What a keeper works with. */
export interface ModuleKeeperParts {
  readonly module: SupervisedModule
  readonly runtime: ModuleRuntime
  readonly clock: Clock
  readonly logger: Logger
  readonly options: Required<RestartOptions>
  /** 0 to 1. */
  readonly random: () => number
  readonly onStatus: (status: ModuleStatus) => void
}

/** Milliseconds that a module which is unhealthy has to end before it is started anew. */
const RESTART_GRACE = 10_000

/** Keeps one module as it is to be: looks, decides, acts, and waits until the next is due or something changes. */
export class ModuleKeeper {
  readonly #parts: ModuleKeeperParts
  readonly #policy: RestartPolicy
  #observed: ModuleObservation | undefined
  #memory: RestartMemory
  #status: ModuleStatus
  #wake: () => void = () => undefined

  constructor(parts: ModuleKeeperParts) {
    this.#parts = parts
    this.#policy = parts.module.restartPolicy ?? 'always'
    this.#memory = { ...NO_RESTARTS, spread: parts.random() }
    this.#status = { name: this.name, state: 'missing', reason: 'it does not exist', restarts: 0 }
  }

  get name(): string {
    return this.#parts.module.specification.name
  }

  get status(): ModuleStatus {
    return this.#status
  }

  /** Takes what the runtime sees of the module, or that it does not have it. */
  observe(observed: ModuleObservation | undefined): void {
    const before = this.#observed
    const same = observed?.state === before?.state && observed?.startedAt === before?.startedAt
    if (!same) this.#remember({ seenAt: this.#parts.clock.monotonic() })
    this.#observed = observed
    this.#wake()
  }

  /** Keeps the module until the signal is aborted. Never rejects. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const decision = decide(this.#policy, this.#observed, this.#memory, this.#parts.options)
      this.#report(decision)
      if (decision.at <= this.#parts.clock.monotonic()) await this.#act(decision, signal)
      else await this.#until(decision.at, signal)
    }
  }

  async #act(decision: Decision, signal: AbortSignal): Promise<void> {
    const { logger, clock, random } = this.#parts
    if (decision.action === 'forget') return this.#remember({ restarts: 0 })
    logger.log('info', `Module: ${decision.action}`, { module: this.name, reason: decision.reason })
    if (decision.action === 'restart') this.#remember({ restarts: this.#memory.restarts + 1, spread: random() })
    try {
      await this.#perform(decision.action, signal).finally(() => this.#look(signal))
      this.#remember({ failedAttempts: 0 })
    } catch (error) {
      if (signal.aborted) return
      this.#remember({ failedAttempts: this.#memory.failedAttempts + 1, attemptedAt: clock.monotonic() })
      logger.log('warn', `Module: ${decision.action} failed`, { module: this.name, error: describeError(error) })
    }
  }

  async #perform(action: Decision['action'], signal: AbortSignal): Promise<void> {
    const { runtime, module } = this.#parts
    if (action === 'create') {
      await runtime.pull(module.specification, signal)
      await runtime.create(module.specification, signal)
    }
    if (action === 'restart') await runtime.stopModule(this.name, RESTART_GRACE, signal)
    await runtime.startModule(this.name, signal)
  }

  /** Looks for itself: what an attempt led to must be known before the next decision, whatever was heard meanwhile. */
  async #look(signal: AbortSignal): Promise<void> {
    const all = await this.#parts.runtime.list(signal)
    this.observe(all.find(({ name }) => name === this.name))
  }

  #remember(news: Partial<RestartMemory>): void {
    this.#memory = { ...this.#memory, ...news }
  }

  #report({ action, at, reason }: Decision): void {
    const { clock, onStatus } = this.#parts
    const observed = this.#observed
    const left = at - clock.monotonic()
    const waits = action === 'restart' && left > 0
    const state = action === 'give-up' ? 'failed' : waits ? 'backoff' : (observed?.state ?? 'missing')
    const status: ModuleStatus = {
      name: this.name,
      state,
      reason,
      restarts: this.#memory.restarts,
      ...(Number.isFinite(at) ? { nextActionAt: clock.now() + Math.max(0, left) } : {}),
      ...(observed === undefined ? {} : { observation: observed }),
    }
    if (isDeepStrictEqual(status, this.#status)) return
    this.#status = status
    onStatus(status)
  }

  #until(at: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    return new Promise(resolve => {
      const done = () => {
        timer?.cancel()
        signal.removeEventListener('abort', done)
        this.#wake = () => undefined
        resolve()
      }
      const timer = Number.isFinite(at) ? clock.after(at - clock.monotonic(), done) : undefined
      signal.addEventListener('abort', done, { once: true })
      this.#wake = done
    })
  }
}
