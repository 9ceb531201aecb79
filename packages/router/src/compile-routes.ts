import type { JsonValue, RouteDestination, RouteRule, RouteTarget } from '@edgewright/core'
import { checkCondition } from './check/check.js'
import type { RouteWarning } from './lint/warning.js'
import { type RouteSchema, type RuleParts, readRule } from './check/rule.js'
import { sourcePattern } from './check/source-pattern.js'
import type { CompiledRoute } from './compile/compiled-route.js'
import { Compiler } from './compile/compiler.js'
import { Evaluation } from './compile/evaluation.js'
import { RouteTable } from './compile/table.js'
import { RouteError } from './errors.js'
import { ROUTE_LIMITS, type RouteLimits } from './limits.js'
import type { Semantics } from './semantics.js'
import { parseRoute } from './syntax/parse.js'
import { Problems } from './syntax/problem.js'
import type { Sink } from './syntax/tree.js'

/** Rules by the names of their routes. JSON of any form may come in: what is no rule becomes an error. */
export type RouteRules = Readonly<Record<string, string | RouteRule | JsonValue>>

/** How rules are read. */
export interface CompileOptions {
  /** @default 'edgewright' */
  readonly semantics?: Semantics
  /** `1.0` takes plain text only and skips blank rules. @default '1.1' */
  readonly schema?: RouteSchema
  /** Bounds on rules and messages. @default ROUTE_LIMITS */
  readonly limits?: RouteLimits
}

/** A table of the good routes, and what is wrong with the others. */
export interface CompiledRoutes {
  readonly table: RouteTable
  /** All problems of all routes, in the order of the rules. A route with errors is not in the table. */
  readonly errors: readonly RouteError[]
  /** What the authors of good routes should know. */
  readonly warnings: readonly RouteWarning[]
}

/**
 * Compiles the rules of a deployment. One broken rule never disables another.
 *
 * @example
 * const { table, errors } = compileRoutes({
 *   hot: "FROM /messages/modules/sensor/* WHERE as_number(celsius) > 30 INTO $upstream",
 * })
 * for (const error of errors) console.error(`${error.place}: ${error.message}`)
 * table.match(message, { kind: 'telemetry', moduleId: 'sensor' })
 */
export function compileRoutes(rules: RouteRules, options: CompileOptions = {}): CompiledRoutes {
  const { semantics = 'edgewright', schema = '1.1' } = options
  const limits = { ...ROUTE_LIMITS, ...options.limits }
  const evaluation = new Evaluation(semantics, limits.bodyBytes)
  const compiler = new Compiler({ semantics, evaluation, textLength: limits.textLength })
  const routes: CompiledRoute[] = []
  const errors: RouteError[] = []
  for (const [name, rule] of Object.entries(rules)) {
    if (routes.length + errors.length >= limits.routes) {
      errors.push(tooMany(name, limits.routes))
      break
    }
    const parts = readRule(name, rule, schema)
    if (parts === undefined) continue
    const text = 'text' in parts ? parts.text : ''
    const compiled = 'text' in parts ? compileRoute(name, parts, compiler, semantics, limits) : parts
    if ('text' in compiled) routes.push(compiled)
    else for (const problem of compiled) errors.push(new RouteError(name, text, problem))
  }
  return { table: new RouteTable(routes, { semantics, limits, evaluation }), errors, warnings: [] }
}

function compileRoute(
  name: string,
  parts: RuleParts,
  compiler: Compiler,
  semantics: Semantics,
  limits: Required<RouteLimits>,
): CompiledRoute | Problems['list'] {
  const { text } = parts
  const problems = new Problems(limits.problems)
  if (text.length > limits.length) {
    const span = { start: limits.length, end: text.length }
    const message = `the rule is longer than ${limits.length} characters`
    return [{ code: 'ROUTE_LIMIT', span, message, hint: 'Split the rule.' }]
  }
  const tree = parseRoute(text, problems, { semantics, depth: limits.depth })
  const pattern = tree === undefined ? [] : sourcePattern(tree.source, problems, semantics)
  const condition = tree?.condition && checkCondition(tree.condition, problems, { semantics, text })
  if (tree === undefined || problems.list.length > 0) return problems.list
  const destination: RouteDestination = Object.freeze({
    target: targetOf(tree.sink),
    priority: parts.priority,
    timeToLiveSecs: parts.timeToLiveSecs,
    route: name,
  })
  const holds = condition === undefined ? () => true : compiler.holds(condition, true)
  return { name, text, tree, pattern, condition, destination, holds }
}

function targetOf(sink: Sink): RouteTarget {
  return Object.freeze(
    sink.kind === 'upstream' ? { kind: 'upstream' } : { kind: 'input', moduleId: sink.moduleId, input: sink.input },
  )
}

function tooMany(name: string, limit: number): RouteError {
  const message = `there are more than ${limit} routes; this one and those after it were not read`
  return new RouteError(name, '', { code: 'ROUTE_LIMIT', span: { start: 0, end: 0 }, message })
}
