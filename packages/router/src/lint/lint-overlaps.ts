import { type CompiledRoute, targetKey } from '../compile/compiled-route.js'
import { SourceIndex } from '../compile/source-index.js'
import { printExpression } from '../syntax/print.js'
import type { Finding } from './warning.js'

/** Findings about routes that others make superfluous: per endpoint the smallest priority counts, then the first. */
export function lintOverlaps(routes: readonly CompiledRoute[]): ReadonlyMap<CompiledRoute, readonly Finding[]> {
  const findings = new Map<CompiledRoute, readonly Finding[]>()
  for (const rivals of byTarget(routes)) {
    const firstOfKind = new Map<string, CompiledRoute>()
    const covering = coveringRoutes(rivals)
    for (const route of rivals) {
      const kind = kindOf(route)
      const twin = firstOfKind.get(kind)
      if (twin === undefined) firstOfKind.set(kind, route)
      const others = covering(route).filter(other => kindOf(other) !== kind)
      const finding = twin === undefined ? shadowing(route, others) : duplication(route, twin)
      if (finding !== undefined) findings.set(route, [finding])
    }
  }
  return findings
}

function byTarget(routes: readonly CompiledRoute[]): Iterable<readonly CompiledRoute[]> {
  const groups = new Map<string, CompiledRoute[]>()
  for (const route of routes) {
    const key = targetKey(route.destination.target)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [route])
    else group.push(route)
  }
  return groups.values()
}

/** Routes of one kind match the same messages. */
function kindOf({ pattern, tree }: CompiledRoute): string {
  const condition = tree.condition === undefined ? '' : printExpression(tree.condition)
  return `${pattern.map(segment => segment ?? '*').join('/')} ${condition}`
}

/** Finds, for a route, those without condition that match all its messages. */
function coveringRoutes(routes: readonly CompiledRoute[]): (route: CompiledRoute) => CompiledRoute[] {
  const unconditional = routes.filter(route => route.condition === undefined)
  const index = new SourceIndex(unconditional.map(route => route.pattern))
  return route =>
    index
      .find(route.pattern)
      .positions()
      .map(position => unconditional[position]!)
}

function shadowing(route: CompiledRoute, covering: readonly CompiledRoute[]): Finding | undefined {
  const sooner = covering.find(other => other.destination.priority < route.destination.priority)
  const other = sooner ?? covering.find(candidate => sameTerms(candidate, route))
  if (other === undefined) return undefined
  const terms = sooner === undefined ? 'on the same terms' : 'with a smaller priority'
  const message = `${other.name} takes all these messages to the same place ${terms}`
  return { code: 'shadowed', span: whole(route), message, hint: 'Remove one, or give this one a smaller priority.' }
}

function sameTerms({ destination: a }: CompiledRoute, { destination: b }: CompiledRoute): boolean {
  return a.priority === b.priority && a.timeToLiveSecs === b.timeToLiveSecs
}

function duplication(route: CompiledRoute, twin: CompiledRoute): Finding {
  const deciding = route.destination.priority < twin.destination.priority ? route : twin
  const message = `${twin.name} takes the same messages to the same place; ${deciding.name} decides`
  return { code: 'duplicate', span: whole(route), message, hint: 'Remove one of them.' }
}

function whole(route: CompiledRoute): Finding['span'] {
  return { start: 0, end: route.text.length }
}
