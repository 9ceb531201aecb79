import type { Message, MessageSource, RouteDestination } from '@edgewright/core'
import { type CompiledRoute, targetKey } from './compiled-route.js'
import type { Evaluation } from './evaluation.js'

const NOWHERE: readonly RouteDestination[] = Object.freeze([])

/** What came of a set of matching routes, and what it becomes when one more matches. */
interface Outcome {
  readonly destinations: readonly RouteDestination[]
  readonly next: Map<CompiledRoute, Outcome>
}

/**
 * The routes that messages from one source can take.
 *
 * Outcomes are kept by the set of matching routes, so that the same set gives the same array again and nothing is made
 * for a message. A set never seen before costs one array, and is no longer kept once there are too many.
 */
export class Candidates {
  readonly #conditional: readonly CompiledRoute[]
  readonly #start: Outcome
  #kept = 0

  constructor(routes: readonly CompiledRoute[]) {
    this.#conditional = routes.filter(route => route.condition !== undefined)
    const unconditional = routes.filter(route => route.condition === undefined)
    this.#start = outcome(unconditional.reduce<readonly RouteDestination[]>(including, NOWHERE))
  }

  /** Where a message goes. */
  match(evaluation: Evaluation, message: Message, source: MessageSource): readonly RouteDestination[] {
    let reached = this.#start
    if (this.#conditional.length === 0) return reached.destinations
    evaluation.begin(message, source)
    for (const route of this.#conditional) {
      if (!route.guard(evaluation) || route.rest?.(evaluation) === false) continue
      reached = reached.next.get(route) ?? this.#reach(reached, route)
    }
    evaluation.end()
    return reached.destinations
  }

  #reach(from: Outcome, route: CompiledRoute): Outcome {
    const to = outcome(including(from.destinations, route))
    if (this.#kept < MAX_OUTCOMES) {
      this.#kept++
      from.next.set(route, to)
    }
    return to
  }
}

const MAX_OUTCOMES = 1024

function outcome(destinations: readonly RouteDestination[]): Outcome {
  return { destinations, next: new Map() }
}

/** The destinations with one more route: per endpoint the smallest priority counts, and of equal ones the first route. */
function including(
  destinations: readonly RouteDestination[],
  { destination }: CompiledRoute,
): readonly RouteDestination[] {
  const key = targetKey(destination.target)
  const rival = destinations.findIndex(other => targetKey(other.target) === key)
  if (rival < 0) return Object.freeze([...destinations, destination])
  if (destinations[rival]!.priority <= destination.priority) return destinations
  return Object.freeze(destinations.with(rival, destination))
}
