import type { Plan } from './plan.js'
import type { ModulePlan } from './plan-module.js'

/** What a deployment would bring about; keeping modules up as they are is no part of it. */
const CHANGES: ReadonlySet<ModulePlan['action']> = new Set(['create', 'update', 'remove', 'stop', 'start'])

/** The part of a plan that changes something, in startup order. */
export function changesOf({ due, later }: Plan): readonly ModulePlan[] {
  return [...due, ...later].filter(({ action, steps }) => CHANGES.has(action) && steps.length > 0).sort(byOrder)
}

/** A plan for people: a line for each module that changes, with steps and reason, and how many stay as they are. */
export function formatPlan(plan: Plan): string {
  const changes = changesOf(plan)
  const width = Math.max(0, ...changes.map(({ name }) => name.length))
  const lines = changes.map(({ action, name, steps, reason }) =>
    [action.padEnd(6), name.padEnd(width), `${steps.join(', ')}:`, reason].join('  '),
  )
  const rest = plan.due.length + plan.later.length - changes.length
  const untouched = rest === 1 ? '1 module stays as it is' : `${rest} modules stay as they are`
  return [...lines, changes.length === 0 ? `nothing changes; ${untouched}` : untouched].join('\n')
}

function byOrder(a: ModulePlan, b: ModulePlan): number {
  return a.order - b.order
}
