import type { ModuleObservation } from '@edgewright/core'
import type { DesiredModule } from '../manifest/deployment.js'
import { type ModuleMemory, NO_MEMORY } from './module-memory.js'
import { type ModulePlan, planModule, type ModuleState } from './plan-module.js'
import type { RestartOptions } from './restart-policy.js'

/** How plans are made. */
export interface PlanOptions extends RestartOptions {
  /** Milliseconds that a module must have run before modules of a later order are brought up. @default 5 s */
  readonly settleAfter?: number
}

/** Everything that a plan depends on. */
export interface PlanInput {
  readonly desired: readonly DesiredModule[]
  /** What the runtimes see of their modules, wanted or not. */
  readonly observed: readonly ModuleObservation[]
  readonly memory: ReadonlyMap<string, ModuleMemory>
  /** Modules whose making is being fetched. @default none */
  readonly fetching?: ReadonlySet<string>
  /** Whether modules that are not desired are left as they are. @default false */
  readonly keepsOthers?: boolean
  /** Now, on the clock that never goes back. */
  readonly now: number
}

/** What is to be done, module by module, in startup order. */
export interface Plan {
  /** What may be done now, each by itself and side by side. */
  readonly due: readonly ModulePlan[]
  /** What is to be done later, or not at all until something changes. */
  readonly later: readonly ModulePlan[]
  /** When the next of it is due, on the clock that never goes back; infinite: when something changes. */
  readonly nextAt: number
}

/**
 * What leads from what is to what is wanted. Pure: the same input gives the same plan.
 *
 * Modules of an order are brought up when those of lower orders have run for a while. A module that has failed before
 * holds up nobody, and neither stopping nor removing waits.
 */
export function plan(input: PlanInput, options: Required<PlanOptions>): Plan {
  const due: ModulePlan[] = []
  const later: ModulePlan[] = []
  let nextAt = Number.POSITIVE_INFINITY
  let [order, held, holding] = [0, false, false]
  for (const state of statesOf(input)) {
    const planned = planModule(state, options)
    if (planned.order > order) [order, held] = [planned.order, held || holding]
    const settled = settledAt(state, planned, options)
    if (settled > input.now) {
      holding = true
      nextAt = Math.min(nextAt, settled)
    }
    if (held && bringsUp(planned)) later.push({ ...planned, reason: `${planned.reason}; it waits for a lower order` })
    else if (planned.at <= input.now) due.push(planned)
    else {
      later.push(planned)
      nextAt = Math.min(nextAt, planned.at)
    }
  }
  return { due, later, nextAt }
}

/** Every module that is wanted or there, in startup order, and within one as the deployment has them. */
function statesOf({ desired, observed, memory, fetching, keepsOthers }: PlanInput): ModuleState[] {
  const wanted = new Map(desired.map(module => [module.specification.name, module]))
  const seen = new Map(observed.map(observation => [observation.name, observation]))
  const orderOf = (name: string) => wanted.get(name)?.startupOrder ?? -1
  return [...new Set([...wanted.keys(), ...seen.keys()])]
    .sort((a, b) => orderOf(a) - orderOf(b))
    .map(name => ({
      name,
      desired: wanted.get(name),
      observed: seen.get(name),
      memory: memory.get(name) ?? NO_MEMORY,
      isFetching: fetching?.has(name),
      isKept: keepsOthers,
    }))
}

/**
 * When a module stops holding up later orders: infinite while it is on its way up, in the past for one that says that it
 * is ready, that failed, or that is not to run, and a while after it came up for one that says nothing.
 */
function settledAt(
  { desired, observed, memory }: ModuleState,
  planned: ModulePlan,
  options: Required<PlanOptions>,
): number {
  if (desired?.status !== 'running' || memory.restarts > 0 || memory.failedAttempts > 0) return 0
  if (planned.action === 'create' || planned.action === 'update' || planned.upkeep) return Number.POSITIVE_INFINITY
  if (observed?.state === 'created') return Number.POSITIVE_INFINITY
  if (observed?.state !== 'running' || observed.isReady === true) return 0
  return observed.isReady === false ? Number.POSITIVE_INFINITY : memory.seenAt + options.settleAfter
}

function bringsUp({ action }: ModulePlan): boolean {
  return action === 'create' || action === 'update' || action === 'start' || action === 'restart'
}
