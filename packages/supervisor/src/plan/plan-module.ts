import type { ModuleObservation, ModuleSpecification } from '@edgewright/core'
import type { DesiredModule } from '../manifest/deployment.js'
import { differences } from '../manifest/differences.js'
import type { ModuleMemory } from './module-memory.js'
import { decideRestart, delayAfter, type RestartDecision, type RestartOptions } from './restart-policy.js'

/** One thing to do with a module, on its runtime. */
export type Step = 'pull' | 'stop' | 'remove' | 'create' | 'start'

/** What is to be done about one module, and why. Data: carrying it out is another's business. */
export interface ModulePlan {
  readonly name: string
  readonly action: 'create' | 'update' | 'remove' | 'stop' | RestartDecision['action']
  /** What the action comes to, in order; empty when there is nothing to do with the module itself. */
  readonly steps: readonly Step[]
  readonly reason: string
  /** Startup order; removals come before all. */
  readonly order: number
  /** When it is due, on the clock that never goes back; infinite: when something changes. */
  readonly at: number
  /** What it is to be made from; absent for a removal. */
  readonly specification?: ModuleSpecification
  /** Whether it only keeps the module up as it is, until a change of it can be carried out. */
  readonly upkeep?: true
}

/** A module as it is wanted and as it is; at least one of the two is there. */
export interface ModuleState {
  readonly name: string
  readonly desired?: DesiredModule | undefined
  readonly observed?: ModuleObservation | undefined
  readonly memory: ModuleMemory
  /** Whether what it is to be made from is being fetched. */
  readonly isFetching?: boolean | undefined
  /** Whether it is left as it is when it is not wanted. */
  readonly isKept?: boolean | undefined
}

/**
 * What is to be done about one module. Steps that failed are due again after a delay, whatever they were for. A module
 * that is to change is kept up as it is until the change can be carried out.
 */
export function planModule(state: ModuleState, options: Required<RestartOptions>): ModulePlan {
  const { failedAttempts, attemptedAt } = state.memory
  const attempt = failedAttempts === 0 ? 0 : attemptedAt + delayAfter(failedAttempts - 1, state.memory, options)
  const planned = planRegardless(state, options)
  const plan = planned.steps.length === 0 ? planned : { ...planned, at: Math.max(planned.at, attempt) }
  if (plan.action !== 'update') return plan
  const upkeep = planUpkeep(state, options)
  return upkeep !== undefined && (state.isFetching || upkeep.at < plan.at) ? upkeep : plan
}

/** What keeps a module up as it is, when it was made from something else than is wanted. */
function planUpkeep({ name, desired, observed, memory }: ModuleState, options: Required<RestartOptions>) {
  if (desired?.status !== 'running' || observed === undefined || observed.state === 'created') return undefined
  const { specification } = observed
  const decision = decideRestart(desired.restartPolicy, observed, memory, options)
  const steps = stepsOf(decision, isUp(observed) ? ['stop'] : [])
  if (steps.length === 0) return undefined
  return { name, order: desired.startupOrder, specification, steps, ...decision, upkeep: true as const }
}

function planRegardless(state: ModuleState, options: Required<RestartOptions>): ModulePlan {
  const { name, desired, observed, memory } = state
  const stop: readonly Step[] = isUp(observed) ? ['stop'] : []
  if (desired === undefined && state.isKept) {
    const reason = 'it is left as it is until a deployment is known'
    return { name, order: 0, at: Number.POSITIVE_INFINITY, action: 'rest', steps: [], reason }
  }
  if (desired === undefined) {
    return {
      name,
      order: 0,
      at: 0,
      action: 'remove',
      steps: [...stop, 'remove'],
      reason: 'it is not in the deployment',
    }
  }
  const { specification, startupOrder: order } = desired
  const base = { name, order, at: 0, specification }
  const make: readonly Step[] = [
    ...(desired.status === 'running' ? (['create', 'start'] as const) : (['create'] as const)),
  ]
  const pull: readonly Step[] = desired.imagePullPolicy === 'never' ? [] : ['pull']
  if (observed === undefined) {
    return { ...base, action: 'create', steps: [...pull, ...make], reason: 'it does not exist' }
  }
  const changes = differences(observed.specification, specification)
  if (changes.length > 0) {
    const steps: readonly Step[] = [...pull, ...stop, 'remove', ...make]
    return { ...base, action: 'update', steps, reason: `it is to change: ${changes.join(', ')}` }
  }
  if (desired.status === 'stopped') {
    if (isUp(observed)) return { ...base, action: 'stop', steps: ['stop'], reason: 'it is to be stopped' }
    return { ...base, action: 'rest', steps: [], at: Number.POSITIVE_INFINITY, reason: 'it is stopped' }
  }
  const decision = decideRestart(desired.restartPolicy, observed, memory, options)
  return { ...base, ...decision, steps: stepsOf(decision, stop) }
}

function stepsOf({ action }: RestartDecision, stop: readonly Step[]): readonly Step[] {
  if (action === 'start') return ['start']
  return action === 'restart' ? [...stop, 'start'] : []
}

function isUp(observed: ModuleObservation | undefined): boolean {
  return observed?.state === 'running' || observed?.state === 'unhealthy'
}
