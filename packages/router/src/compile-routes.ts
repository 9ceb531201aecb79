import type { JsonValue, RouteRule, RouteTarget } from '@edgewright/core'
import { checkCondition } from './check/check.js'
import { type LintOptions, lintRoutes } from './lint/lint.js'
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
import { type ParsedRoute, parseRoute } from './syntax/parse.js'
import { type Problem, Problems } from './syntax/problem.js'
import type { Route, Sink } from './syntax/tree.js'

/** Rules by the names of their routes. JSON of any form may come in: what is no rule becomes an error. */
export type RouteRules = Readonly<Record<string, string | RouteRule | JsonValue>>

/** How rules are read. */
export interface CompileOptions extends LintOptions {
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
 * A rule, in the default semantics:
 *
 * ```ebnf
 * route     = [ SELECT "*" ] FROM { "/" segment }+ [ WHERE condition ] INTO sink ;
 * segment   = "*" | characters other than blanks, "/" and "*" ;
 * sink      = "$upstream" | BrokeredEndpoint "(" string ")" ;     "/modules/NAME/inputs/INPUT"
 * condition = or { "??" or } ;
 * or        = and { OR and } ;
 * and       = equality { AND equality } ;
 * equality  = order { ( "=" | "!=" | "<>" ) order } ;
 * order     = sum { ( "<" | "<=" | ">" | ">=" ) sum } ;
 * sum       = product { ( "+" | "-" | "||" ) product } ;
 * product   = unary { ( "*" | "/" | "%" ) unary } ;
 * unary     = ( NOT | "-" ) unary | value ;
 * value     = literal | property | system | body | name "(" [ condition { "," condition } ] ")" | "(" condition ")" ;
 * literal   = string | number | "true" | "false" | "null" | "undefined" ;
 * property  = name | "{" string "}" ;
 * system    = "$" name | "{" "$" name "}" ;
 * body      = "$body" { "." member | "[" digits "]" | "[" string "]" }+ ;
 * ```
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
  const routeCompiler = new RouteCompiler(semantics, limits, evaluation)
  const entries = Object.entries(rules)
  for (const [name, rule] of entries.slice(0, limits.routes)) {
    const parts = readRule(name, rule, schema)
    if (parts !== undefined) routeCompiler.read(name, parts)
  }
  const routes = routeCompiler.compile()
  const { errors } = routeCompiler
  const surplus = entries[limits.routes]
  if (surplus !== undefined) errors.push(tooMany(surplus[0], limits.routes))
  const table = new RouteTable(routes, { semantics, limits, evaluation })
  return { table, errors, warnings: lintRoutes(routes, { semantics, limits }, options) }
}

type CheckedRoute = Omit<CompiledRoute, 'code'>

/** Reads all rules before it compiles any, so that conditions can share what they ask alike. */
class RouteCompiler {
  readonly errors: RouteError[] = []
  readonly #semantics: Semantics
  readonly #limits: Required<RouteLimits>
  readonly #compiler: Compiler
  readonly #routes: CheckedRoute[] = []

  constructor(semantics: Semantics, limits: Required<RouteLimits>, evaluation: Evaluation) {
    this.#semantics = semantics
    this.#limits = limits
    this.#compiler = new Compiler({ semantics, evaluation, textLength: limits.textLength })
  }

  read(name: string, parts: RuleParts): void {
    const problems = new Problems(this.#limits.problems)
    for (const problem of parts.problems) problems.add(problem)
    const { text = '' } = parts
    const route = parts.text === undefined ? undefined : this.#check(name, text, parts, problems)
    if (route !== undefined) this.#routes.push(route)
    if (route?.condition !== undefined) this.#compiler.note(route.condition)
    for (const problem of problems.list.toSorted((a, b) => a.span.start - b.span.start)) {
      this.errors.push(new RouteError(name, problem.code === 'ROUTE_RULE' ? '' : text, problem))
    }
  }

  #check(name: string, text: string, parts: RuleParts, problems: Problems): CheckedRoute | undefined {
    const [semantics, limits] = [this.#semantics, this.#limits]
    if (text.length > limits.length) {
      problems.add(tooLong(text, limits.length))
      return undefined
    }
    const tree = parseRoute(text, problems, { semantics, depth: limits.depth })
    const pattern = tree.source && sourcePattern(tree.source, problems, semantics)
    const condition = tree.condition && checkCondition(tree.condition, problems, { semantics, text })
    if (problems.list.length > 0 || pattern === undefined || !isComplete(tree)) return undefined
    const { priority, timeToLiveSecs } = parts
    const destination = Object.freeze({ target: targetOf(tree.sink), priority, timeToLiveSecs, route: name })
    return { name, position: this.#routes.length, text, tree, pattern, condition, destination }
  }

  compile(): CompiledRoute[] {
    return this.#routes.map(route => ({
      ...route,
      code: route.condition && this.#compiler.condition(route.condition),
    }))
  }
}

function isComplete(tree: ParsedRoute): tree is Route {
  return tree.source !== undefined && tree.sink !== undefined
}

function targetOf(sink: Sink): RouteTarget {
  return Object.freeze(
    sink.kind === 'upstream' ? { kind: 'upstream' } : { kind: 'input', moduleId: sink.moduleId, input: sink.input },
  )
}

function tooLong(text: string, limit: number): Problem {
  const message = `the rule is longer than ${limit} characters`
  return { code: 'ROUTE_LIMIT', span: { start: limit, end: text.length }, message, hint: 'Split the rule.' }
}

function tooMany(name: string, limit: number): RouteError {
  const message = `there are more than ${limit} routes; this one and those after it were not read`
  const hint = 'Join rules that lead to the same place with OR.'
  return new RouteError(name, '', { code: 'ROUTE_LIMIT', span: { start: 0, end: 0 }, message, hint })
}
