import type { RouteDestination } from '@edgewright/core'
import { DEFAULT_PRIORITY } from '@edgewright/core'
import { MISSING, type Value } from './compile/value.js'
import type { ExplainedExpression, Explanation, RouteExplanation } from './explain.js'
import type { RouteError } from './errors.js'
import type { RouteWarning } from './lint/warning.js'

/** An explanation for people: every route with its condition as a tree, and where the message goes in the end. */
export function formatExplanation(explanation: Explanation): string {
  const routes = explanation.routes.map(formatRoute).join('\n\n')
  return `message from ${explanation.source}\n\n${routes}\n\n${formatOutcome(explanation.destinations)}\n`
}

function formatRoute(explained: RouteExplanation): string {
  const { route, text, condition } = explained
  const lines = [`${explained.matched ? '✓' : '✗'} ${route}: ${oneLine(text)}`, `    ${verdictOf(explained)}`]
  if (condition !== undefined) lines.push(...formatExpression(condition, '    '))
  return lines.join('\n')
}

function verdictOf(explained: RouteExplanation): string {
  const { sourceMatched, matched, condition, destination, overruledBy } = explained
  if (!sourceMatched) return 'the source does not match'
  if (!matched) return `the condition is ${formatValue(condition?.value)}, not true`
  const leads = `leads to ${formatDestination(destination)}`
  return overruledBy === undefined ? leads : `${leads}; overruled by ${overruledBy}, which comes first there`
}

function formatExpression(expression: ExplainedExpression, indent: string): string[] {
  const note = expression.note === undefined ? '' : ` (${expression.note})`
  const own = `${indent}${oneLine(expression.text)}`
  const isLiteral = expression.parts.length === 0 && expression.text === formatValue(expression.value)
  const line = isLiteral ? own : `${own} → ${formatValue(expression.value)}${note}`
  return [line, ...expression.parts.flatMap(part => formatExpression(part, `${indent}  `))]
}

function formatOutcome(destinations: readonly RouteDestination[]): string {
  if (destinations.length === 0) return 'No route matches: the message is acknowledged and dropped.'
  const lines = destinations.map(each => `  ${formatDestination(each)}, as ${each.route} says`)
  return `The message goes to\n${lines.join('\n')}`
}

function formatDestination({ target, priority, timeToLiveSecs }: RouteDestination): string {
  const where = target.kind === 'upstream' ? 'the cloud' : `input ${target.input} of module ${target.moduleId}`
  const when = priority === DEFAULT_PRIORITY ? 'default priority' : `priority ${priority}`
  const long = timeToLiveSecs === 0 ? "the hub's time-to-live" : `time-to-live ${timeToLiveSecs} s`
  return `${where} (${when}, ${long})`
}

const MAX_VALUE = 60

function formatValue(value: Value): string {
  if (value === undefined || value === MISSING) return 'undefined'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  const text = typeof value === 'string' ? `'${value}'` : String(value)
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text
}

const MAX_LINE = 200

function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ')
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line
}

/** Errors and warnings for people: one block each, with the offending text marked. */
export function formatRouteErrors(problems: readonly (RouteError | RouteWarning)[]): string {
  return problems.map(formatProblem).join('\n')
}

function formatProblem(problem: RouteError | RouteWarning): string {
  const kind = problem instanceof Error ? 'error' : 'warning'
  const place = problem.route === '' ? '' : `${problem.route}:${problem.line}:${problem.column}: `
  const excerpt = problem.excerpt === '' ? '' : `\n${problem.excerpt.replace(/^/gm, '  ')}`
  const hint = problem.hint === undefined ? '' : `\n  ${problem.hint}`
  return `${place}${kind} ${problem.code}: ${problem.message}${excerpt}${hint}\n`
}
