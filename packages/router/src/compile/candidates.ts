import type { Message, MessageSource, RouteDestination } from '@edgewright/core'
import type { Code, Truth } from './code.js'
import { type CompiledRoute, targetKey } from './compiled-route.js'
import type { Evaluation } from './evaluation.js'

/** What came of a set of matching routes, and what it becomes when one more matches. */
interface Outcome {
  /** Per endpoint the route that decides, in the order of the table. */
  readonly deciding: readonly CompiledRoute[]
  readonly destinations: readonly RouteDestination[]
  readonly next: Map<CompiledRoute, Outcome>
}

/** Routes whose conditions begin with the same question. */
interface Group {
  readonly guard: Code<Truth> | undefined
  readonly routes: readonly CompiledRoute[]
  /** What each of them asks next, side by side: most answers are no, and then nothing else of a route is touched. */
  readonly firsts: readonly Code<Truth>[]
}

/** Outcomes that one source's candidates keep. */
const MAX_OUTCOMES = 1024

/**
 * The routes that messages from one source can take.
 *
 * Outcomes are kept by the set of matching routes, so that the same set gives the same array again and nothing is made
 * for a message. A set never seen before costs one array, and is no longer kept once there are too many.
 */
export class Candidates {
  readonly #groups: readonly Group[]
  readonly #start: Outcome
  #kept = 0

  constructor(routes: readonly CompiledRoute[]) {
    this.#groups = groupsOf(routes.filter(route => route.code !== undefined))
    const unconditional = routes.filter(route => route.code === undefined)
    this.#start = outcomeOf(unconditional.reduce<readonly CompiledRoute[]>(including, []))
  }

  /** Where a message goes. */
  match(evaluation: Evaluation, message: Message, source: MessageSource): readonly RouteDestination[] {
    let reached = this.#start
    if (this.#groups.length === 0) return reached.destinations
    evaluation.begin(message, source)
    for (const group of this.#groups) {
      if (group.guard === undefined || group.guard(evaluation)) reached = this.#ask(group, evaluation, reached)
    }
    evaluation.end()
    return reached.destinations
  }

  #ask({ routes, firsts }: Group, evaluation: Evaluation, from: Outcome): Outcome {
    let reached = from
    for (let index = 0; index < firsts.length; index++) {
      if (!firsts[index]!(evaluation)) continue
      const route = routes[index]!
      const { others } = route.code!
      if (others !== undefined && !others(evaluation)) continue
      reached = reached.next.get(route) ?? this.#reach(reached, route)
    }
    return reached
  }

  #reach(from: Outcome, route: CompiledRoute): Outcome {
    const deciding = including(from.deciding, route)
    const to = deciding === from.deciding ? { ...from, next: new Map() } : outcomeOf(deciding)
    if (this.#kept < MAX_OUTCOMES) {
      this.#kept++
      from.next.set(route, to)
    }
    return to
  }
}

function groupsOf(routes: readonly CompiledRoute[]): readonly Group[] {
  const byGuard = new Map<Code<Truth> | undefined, CompiledRoute[]>()
  for (const route of routes) {
    const group = byGuard.get(route.code!.guard)
    if (group === undefined) byGuard.set(route.code!.guard, [route])
    else group.push(route)
  }
  return Array.from(byGuard, ([guard, group]) => ({
    guard,
    routes: group,
    firsts: group.map(route => route.code!.first),
  }))
}

function outcomeOf(deciding: readonly CompiledRoute[]): Outcome {
  return { deciding, destinations: Object.freeze(deciding.map(route => route.destination)), next: new Map() }
}

/** The deciding routes with one more: per endpoint the smallest priority counts, and of equal ones the first route. */
function including(deciding: readonly CompiledRoute[], route: CompiledRoute): readonly CompiledRoute[] {
  const key = targetKey(route.destination.target)
  const rival = deciding.find(other => targetKey(other.destination.target) === key)
  if (rival !== undefined && precedes(rival, route)) return deciding
  return [...deciding.filter(other => other !== rival), route].sort((a, b) => a.position - b.position)
}

function precedes(a: CompiledRoute, b: CompiledRoute): boolean {
  const [first, second] = [a.destination.priority, b.destination.priority]
  return first < second || (first === second && a.position < b.position)
}
