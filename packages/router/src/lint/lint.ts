import { createMessage } from '@edgewright/core'
import type { Checked } from '../check/checked.js'
import type { CompiledRoute } from '../compile/compiled-route.js'
import { Compiler } from '../compile/compiler.js'
import { Evaluation } from '../compile/evaluation.js'
import type { Value } from '../compile/value.js'
import { foldCase } from '../fold-case.js'
import type { RouteLimits } from '../limits.js'
import type { Semantics } from '../semantics.js'
import { differencesFromIotEdge } from './differences.js'
import { lintCondition } from './lint-condition.js'
import { lintOverlaps } from './lint-overlaps.js'
import { lintSink } from './lint-sink.js'
import { lintSource, type ModuleNames } from './lint-source.js'
import { type Finding, type RouteWarning, warningOf } from './warning.js'

/** What lint may know besides the routes. */
export interface LintOptions {
  /** Ids of the modules that the deployment has. Without them no module's name is doubted. */
  readonly modules?: Iterable<string>
  /** Whether to report where IoT Edge gives another answer: for rules that were written for it. @default false */
  readonly comparedToIotEdge?: boolean
}

/** What lint stands on: how the routes were compiled. */
export interface LintContext {
  readonly semantics: Semantics
  readonly limits: Required<RouteLimits>
}

/** What the authors of these routes should know, route by route. */
export function lintRoutes(
  routes: readonly CompiledRoute[],
  { semantics, limits }: LintContext,
  options: LintOptions,
): RouteWarning[] {
  const modules = options.modules && moduleNames(options.modules)
  const constantValue = constantEvaluator(semantics, limits)
  const overlaps = lintOverlaps(routes)
  const compared = options.comparedToIotEdge === true && semantics === 'edgewright'
  return routes.flatMap(route => {
    const matching = [...lintSource(route, modules), ...lintCondition(route, semantics, constantValue)]
    const matches = !matching.some(({ code }) => code === 'never-matches' || code === 'unknown-source')
    const findings: Finding[] = [
      ...matching,
      ...lintSink(route, modules),
      ...((matches && overlaps.get(route)) || []),
      ...(compared ? differencesFromIotEdge(route, limits) : []),
    ]
    return findings.map(finding => warningOf(route, finding))
  })
}

function moduleNames(modules: Iterable<string>): ModuleNames {
  const ids = new Set(modules)
  return { ids, folded: new Set(Array.from(ids, foldCase)) }
}

/** Works out expressions that ask for nothing of a message. */
function constantEvaluator(semantics: Semantics, limits: Required<RouteLimits>): (node: Checked) => Value {
  const evaluation = new Evaluation(semantics, limits.bodyBytes)
  const compiler = new Compiler({ semantics, evaluation, textLength: limits.textLength })
  evaluation.begin(createMessage({}), { kind: 'telemetry' })
  return node => compiler.value(node)(evaluation)
}
