import type { ModuleObservation, ModuleState, PullProgress } from '@edgewright/core'
import type { ModulePlan, Step } from '../plan/plan-module.js'

/** How a supervised module fares. */
export interface ModuleStatus {
  readonly name: string
  /**
   * `downloading`: what it is made from is fetched. `backoff`: it waits for its next restart. `missing`: its runtime
   * does not have it.
   */
  readonly state: ModuleState | 'downloading' | 'backoff' | 'missing'
  /** What is being done about it, or is to be done next. */
  readonly action: ModulePlan['action']
  /** Why it is so, and what is to be done about it. */
  readonly reason: string
  /** Restarts since it was healthy last. */
  readonly restarts: number
  /** Milliseconds since 1970 when it is acted upon next, when that is known. */
  readonly nextActionAt?: number
  /** Why the last step for it failed, until one succeeds. */
  readonly failure?: string
  /** How far fetching has come, when that is known. */
  readonly progress?: PullProgress
  readonly observation?: ModuleObservation
}

/** What a status is made of. */
export interface StatusParts {
  readonly planned: ModulePlan
  readonly observed: ModuleObservation | undefined
  readonly restarts: number
  readonly failure: string | undefined
  /** The step that is being carried out. */
  readonly step: Step | undefined
  readonly progress: PullProgress | undefined
  /** Milliseconds until the plan is due; infinite: when something changes. */
  readonly left: number
  /** Milliseconds since 1970. */
  readonly now: number
}

/** How a module fares, by what is seen and planned. */
export function statusOf({
  planned,
  observed,
  restarts,
  failure,
  step,
  progress,
  left,
  now,
}: StatusParts): ModuleStatus {
  return {
    name: planned.name,
    state: stateOf(planned, observed, step, left),
    action: planned.action,
    reason: planned.reason,
    restarts,
    ...(step === undefined && left > 0 && Number.isFinite(left) ? { nextActionAt: now + left } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(progress === undefined ? {} : { progress }),
    ...(observed === undefined ? {} : { observation: observed }),
  }
}

function stateOf(
  { action }: ModulePlan,
  observed: ModuleObservation | undefined,
  step: Step | undefined,
  left: number,
): ModuleStatus['state'] {
  if (step === 'pull') return 'downloading'
  if (action === 'give-up') return 'failed'
  if (action === 'restart' && left > 0) return 'backoff'
  return observed?.state ?? 'missing'
}
