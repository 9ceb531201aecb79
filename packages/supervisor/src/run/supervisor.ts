import { isDeepStrictEqual } from 'node:util'
import {
  type Clock,
  describeError,
  EdgewrightError,
  type Logger,
  type ModuleLogLine,
  type ModuleLogQuery,
  type ModuleObservation,
  type ModuleRuntime,
  Service,
  settleInOrder,
  silentLogger,
  systemClock,
  type Timer,
} from '@edgewright/core'
import { type DesiredModule, LAST_STARTUP_ORDER } from '../manifest/deployment.js'
import { type Plan, type PlanOptions, plan } from '../plan/plan.js'
import type { ModulePlan, Step } from '../plan/plan-module.js'
import { RESTART_DEFAULTS, type RestartOptions } from '../plan/restart-policy.js'
import { moduleNotFound } from '../runtimes/module-error.js'
import { ModuleRecords } from './module-records.js'
import { type ModuleStatus, statusOf } from './module-status.js'
import { ModuleWork } from './module-work.js'

/** What a {@link Supervisor} works with. */
export interface SupervisorComponents {
  /** At most one of each type. They are started and stopped with the supervisor. */
  readonly runtimes: readonly ModuleRuntime[]
  readonly clock?: Clock
  readonly logger?: Logger
  /** 0 to 1, for jitter. @default Math.random */
  readonly random?: () => number
}

/** A module that is to run, with the defaults of a deployment for what is left out, but restarted `always`. */
export type SupervisedModule = Partial<DesiredModule> & Pick<DesiredModule, 'specification'>

/** What a {@link Supervisor} keeps running, and how. */
export interface SupervisorOptions extends PlanOptions {
  /** What is to run until {@link Supervisor.apply} says otherwise. @default nothing */
  readonly modules?: readonly SupervisedModule[]
  /** Milliseconds that a module has to end when it is stopped. @default 10 s */
  readonly grace?: number
}

/** How modules are supervised when nothing else is said. */
export const SUPERVISOR_DEFAULTS = Object.freeze({
  ...RESTART_DEFAULTS,
  modules: [] as readonly SupervisedModule[],
  settleAfter: 5_000,
  grace: 10_000,
}) satisfies Required<SupervisorOptions>

/** When what happens is reported. */
export interface SupervisorEvents {
  /** A module's state, its reason or its number of restarts changed. */
  status: [ModuleStatus]
  /** A module is neither wanted nor there any more. */
  gone: [name: string]
}

/**
 * Brings modules to where they are wanted and keeps them there. It looks at what the runtimes see, plans, and carries
 * the plan out, one module beside the other: what one does or waits for holds no other up. Whether modules outlive the
 * supervisor is their runtime's business.
 */
export class Supervisor extends Service<SupervisorEvents> {
  readonly #runtimes: ReadonlyMap<string, ModuleRuntime>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #options: Required<SupervisorOptions>
  /** The options in force. */
  #tuned: Required<SupervisorOptions>
  readonly #records: ModuleRecords
  readonly #works = new Map<string, ModuleWork>()
  /** Keeps modules up while what they are to become is fetched. */
  readonly #upkeep = new Map<string, ModuleWork>()
  /** When all that a work led to has been taken. */
  readonly #following = new WeakMap<ModuleWork, Promise<void>>()
  #desired: ReadonlyMap<string, DesiredModule>
  #keepsOthers = false
  #statuses: ReadonlyMap<string, ModuleStatus> = new Map()
  #timer: Timer | undefined
  /** Aborted while supervision does not run. */
  #ending = AbortSignal.abort()
  #end: () => void = () => undefined

  /** @throws `MODULE_TYPE_UNKNOWN` when no runtime takes the type of a module */
  constructor(components: SupervisorComponents, options: SupervisorOptions = {}) {
    super()
    const { runtimes, clock = systemClock, logger = silentLogger, random = Math.random } = components
    this.#runtimes = new Map(runtimes.map(runtime => [runtime.type, runtime]))
    this.#clock = clock
    this.#logger = logger
    this.#options = { ...SUPERVISOR_DEFAULTS, ...options }
    this.#tuned = this.#options
    this.#records = new ModuleRecords(clock, random)
    this.#desired = this.#checked(this.#options.modules)
  }

  /** The types of modules that there is a runtime for. */
  get types(): readonly string[] {
    return [...this.#runtimes.keys()]
  }

  /** The names of the modules that are wanted. */
  get wanted(): ReadonlySet<string> {
    return new Set(this.#desired.keys())
  }

  /** How every module fares that is wanted or there, in startup order. */
  status(): readonly ModuleStatus[] {
    return [...this.#statuses.values()]
  }

  /**
   * What would be done if these modules were applied; nothing is.
   *
   * @throws `MODULE_TYPE_UNKNOWN`
   */
  preview(modules: readonly SupervisedModule[]): Plan {
    return this.#plan(this.#checked(modules), false)
  }

  /**
   * Wants these modules from now on, and no others. What is under way for a module that is wanted otherwise now is
   * given up.
   *
   * @param keepsOthers - leaves modules alone that are there and not among these: nobody knows yet what is wanted
   * @throws `MODULE_TYPE_UNKNOWN`, and nothing changes
   */
  apply(modules: readonly SupervisedModule[], keepsOthers = false): void {
    const before = this.#desired
    this.#desired = this.#checked(modules)
    this.#keepsOthers = keepsOthers
    for (const name of new Set([...before.keys(), ...this.#desired.keys()])) {
      if (isDeepStrictEqual(before.get(name), this.#desired.get(name))) continue
      this.#works.get(name)?.giveUp()
      this.#upkeep.get(name)?.giveUp()
      this.#records.forgive(name)
    }
    this.#reconcile()
  }

  /** Restarts modules by these numbers from now on; what is left out is as the supervisor was made with. */
  tune(restarts: RestartOptions): void {
    this.#tuned = { ...this.#options, ...restarts }
    this.#reconcile()
  }

  /** Tries again now what waits because it failed: what it needs may be there again. Delays go on growing. */
  retry(): void {
    this.#records.hurry()
    this.#reconcile()
  }

  /**
   * Stops a module, when it runs, and starts it: whatever its policy says, and without counting it as a restart. Waits
   * for what is under way for the module.
   *
   * @throws `MODULE_NOT_FOUND`, and what its runtime says
   */
  async restart(name: string): Promise<void> {
    const { state, specification } = await this.#atRest(name)
    const steps = state === 'running' || state === 'unhealthy' ? RESTART_STEPS : START_STEPS
    const reason = 'a restart was asked for'
    await this.#begin({ name, action: 'start', steps, reason, order: 0, at: 0, specification }).done
  }

  /**
   * Makes a module anew from what it was made from: what it gets from outside its specification has changed. Waits for
   * what is under way for the module.
   *
   * @throws `MODULE_NOT_FOUND`, and what its runtime says
   */
  async recreate(name: string, reason: string): Promise<void> {
    const { state, specification } = await this.#atRest(name)
    const stop: readonly Step[] = state === 'running' || state === 'unhealthy' ? ['stop'] : []
    const steps: readonly Step[] = [...stop, 'remove', 'create', 'start']
    await this.#begin({ name, action: 'update', steps, reason, order: 0, at: 0, specification }).done
  }

  /**
   * What a module wrote.
   *
   * @throws `MODULE_NOT_FOUND`
   */
  logs(name: string, query?: ModuleLogQuery, signal?: AbortSignal): AsyncIterable<ModuleLogLine> {
    const runtime = this.#runtimes.get(this.#records.observed.get(name)?.specification.type ?? '')
    if (runtime === undefined) throw moduleNotFound(name)
    return runtime.logs(name, query, signal)
  }

  /** Resolves when supervision runs: modules come up by themselves, whatever each of them waits for. */
  protected async onStart(): Promise<void> {
    const ending = new AbortController()
    this.#end = () => ending.abort()
    for (const runtime of this.#runtimes.values()) {
      await runtime.start()
      runtime.watch((name, observation) => {
        this.#records.observe(name, observation)
        this.#reconcile()
      }, ending.signal)
      await this.#look(runtime)
    }
    this.#ending = ending.signal
    this.#reconcile()
  }

  protected async onStop(): Promise<void> {
    this.#end()
    this.#timer?.cancel()
    const works = [...this.#works.values(), ...this.#upkeep.values()]
    for (const work of works) work.giveUp()
    await Promise.allSettled(works.map(work => work.done))
    await settleInOrder(Array.from(this.#runtimes.values(), runtime => () => runtime.stop()))
  }

  /** What is seen of a module when nothing is under way for it any more. */
  async #atRest(name: string): Promise<ModuleObservation> {
    this.assertRunning()
    for (let work = this.#works.get(name); work !== undefined; work = this.#works.get(name)) {
      await this.#following.get(work)
    }
    const observed = this.#records.observed.get(name)
    if (observed === undefined) throw moduleNotFound(name)
    return observed
  }

  /** Plans, begins what is due, and sees to it that the rest is looked at when it is. */
  #reconcile(): void {
    if (this.#ending.aborted) return
    const planned = this.#plan(this.#desired)
    for (const { name, action } of planned.later) {
      if (action === 'rest' && !this.#works.has(name)) this.#records.settle(name)
    }
    for (const module of planned.due) {
      if (module.action === 'forget') this.#records.forgetRestarts(module.name)
      else if (!this.#worksFor(module).has(module.name)) this.#begin(module)
    }
    this.#timer?.cancel()
    const isChanged = planned.due.some(({ action }) => action === 'forget')
    const nextAt = isChanged ? this.#clock.monotonic() : planned.nextAt
    this.#timer = Number.isFinite(nextAt)
      ? this.#clock.after(Math.max(0, nextAt - this.#clock.monotonic()), () => this.#reconcile())
      : undefined
    this.#report(planned)
  }

  #begin(planned: ModulePlan): ModuleWork {
    const { name, action, reason, specification } = planned
    const from = this.#runtimes.get(this.#records.observed.get(name)?.specification.type ?? '')
    const to = this.#runtimes.get(specification?.type ?? '')
    this.#logger.log('info', `Module: ${action}`, { module: name, reason })
    this.#records.begin(planned)
    const works = this.#worksFor(planned)
    const isClear = async () => works === this.#works && (await this.#upkeep.get(name)?.done.catch(() => undefined))
    const work = new ModuleWork({ planned, from, to, grace: this.#options.grace, isClear }, () => this.#reconcile())
    works.set(name, work)
    this.#following.set(work, this.#follow(work, works, [from, to]))
    return work
  }

  /** Takes what came of a work, and looks at its runtimes: the next plan must know what this one led to. */
  async #follow(
    work: ModuleWork,
    works: Map<string, ModuleWork>,
    runtimes: readonly (ModuleRuntime | undefined)[],
  ): Promise<void> {
    const { name, action } = work.planned
    try {
      await work.done
      for (const runtime of new Set(runtimes)) if (runtime !== undefined) await this.#look(runtime)
      this.#records.succeed(work.planned)
      // Without this, steps that succeed and change nothing would be repeated for ever, without a pause.
      if (this.#isDue(name, action)) this.#records.fail(work.planned, 'it had no effect')
    } catch (error) {
      if (!work.isGivenUp) {
        this.#records.fail(work.planned, describeError(error), EdgewrightError.is(error, 'ENGINE_UNAVAILABLE'))
        this.#logger.log('warn', `Module: ${action} failed`, { module: name, step: work.step, error })
      }
    }
    works.delete(name)
    this.#records.prune(new Set(this.#desired.keys()))
    this.#reconcile()
  }

  /** While something is fetched for a module, its upkeep goes on beside that. */
  #worksFor({ name, upkeep }: ModulePlan): Map<string, ModuleWork> {
    return upkeep && this.#works.get(name)?.step === 'pull' ? this.#upkeep : this.#works
  }

  #isDue(name: string, action: ModulePlan['action']): boolean {
    return this.#plan(this.#desired).due.some(planned => planned.name === name && planned.action === action)
  }

  async #look(runtime: ModuleRuntime): Promise<void> {
    this.#records.observeAll(runtime.type, await runtime.list())
  }

  #plan(desired: ReadonlyMap<string, DesiredModule>, keepsOthers = this.#keepsOthers): Plan {
    const { observed, memory } = this.#records
    const fetching = new Set([...this.#works].filter(([, { step }]) => step === 'pull').map(([name]) => name))
    const input = { desired: [...desired.values()], observed: [...observed.values()], memory, fetching, keepsOthers }
    return plan({ ...input, now: this.#clock.monotonic() }, this.#tuned)
  }

  #report({ due, later }: Plan): void {
    const now = this.#clock.now()
    const before = this.#statuses
    const current = [...due, ...later].sort((a, b) => a.order - b.order)
    this.#statuses = new Map(current.map(planned => [planned.name, this.#statusOf(planned, now)]))
    for (const [name, status] of this.#statuses) {
      if (!isDeepStrictEqual(status, before.get(name))) this.emit('status', status)
    }
    for (const name of before.keys()) if (!this.#statuses.has(name)) this.emit('gone', name)
  }

  /** A module is reported by what is under way for it, or else by what is next. */
  #statusOf(next: ModulePlan, now: number): ModuleStatus {
    const { name } = next
    const records = this.#records
    const work = this.#works.get(name)
    const planned = work?.planned ?? next
    return statusOf({
      planned,
      observed: records.observed.get(name),
      restarts: records.memory.get(name)?.restarts ?? 0,
      failure: records.failure(name),
      step: work?.step,
      progress: work?.progress,
      left: planned.at - this.#clock.monotonic(),
      now,
    })
  }

  #checked(modules: readonly SupervisedModule[]): ReadonlyMap<string, DesiredModule> {
    for (const { specification } of modules) {
      if (this.#runtimes.has(specification.type)) continue
      throw new EdgewrightError('MODULE_TYPE_UNKNOWN', `No runtime takes modules of type "${specification.type}"`, {
        place: specification.name,
        remedy: `Add such a runtime, or use one of: ${[...this.#runtimes.keys()].join(', ')}.`,
      })
    }
    return new Map(modules.map(module => [module.specification.name, { ...MODULE_DEFAULTS, ...module }]))
  }
}

const START_STEPS: readonly Step[] = ['start']
const RESTART_STEPS: readonly Step[] = ['stop', 'start']

/** What a module is supervised like when its deployment, or program, does not say. */
const MODULE_DEFAULTS = Object.freeze({
  version: '',
  status: 'running',
  restartPolicy: 'always',
  imagePullPolicy: 'on-create',
  startupOrder: LAST_STARTUP_ORDER,
}) satisfies Partial<DesiredModule>
