import { DEFAULT_PRIORITY, isJsonObject } from '@edgewright/core'
import type { Problem } from '../syntax/problem.js'

/** The version of the deployment schema that rules are written for. */
export type RouteSchema = '1.0' | '1.1'

/** A rule's parts, before its text is read. */
export interface RuleParts {
  readonly text: string
  readonly priority: number
  readonly timeToLiveSecs: number
}

const WHOLE = { start: 0, end: 0 }
const MAX_TIME_TO_LIVE = 2 ** 32 - 1

/**
 * Takes a rule of a deployment apart. Source: hub reference, 1.11.
 *
 * @returns the parts; nothing for a rule that the schema has skipped; or what is wrong.
 */
export function readRule(name: string, rule: unknown, schema: RouteSchema): RuleParts | readonly Problem[] | undefined {
  if (schema === '1.0') return readPlainRule(rule)
  const problems = name.trim() === '' ? [problem('the route has no name', 'Name it in the deployment.')] : []
  if (typeof rule === 'string') return problems.length > 0 ? problems : plain(rule)
  if (!isJsonObject(rule)) return [...problems, problem('the route is neither text nor an object', RULE_FORMS)]
  const { route, priority = DEFAULT_PRIORITY, timeToLiveSecs = 0 } = rule
  if (typeof route !== 'string') problems.push(problem('the member "route" is missing or no text', RULE_FORMS))
  if (!isPriority(priority)) problems.push(problem(`the priority ${JSON.stringify(priority)} is none`, PRIORITIES))
  if (!isTimeToLive(timeToLiveSecs)) {
    problems.push(problem(`the time-to-live ${JSON.stringify(timeToLiveSecs)} is none`, TIMES_TO_LIVE))
  }
  return problems.length > 0 ? problems : ({ text: route, priority, timeToLiveSecs } as RuleParts)
}

const RULE_FORMS = 'Write "FROM … INTO …", or {"route": "FROM … INTO …", "priority": 0, "timeToLiveSecs": 3600}.'
const PRIORITIES = 'Use 0 (first) to 9, or leave it out.'
const TIMES_TO_LIVE = `Use whole seconds from 0 (the hub's own setting) to ${MAX_TIME_TO_LIVE}.`

function readPlainRule(rule: unknown): RuleParts | readonly Problem[] | undefined {
  if (typeof rule !== 'string') return [problem('the route is no text', 'Schema 1.0 knows no other form; 1.1 does.')]
  return rule.trim() === '' ? undefined : plain(rule)
}

function plain(text: string): RuleParts {
  return { text, priority: DEFAULT_PRIORITY, timeToLiveSecs: 0 }
}

function problem(message: string, hint: string): Problem {
  return { code: 'ROUTE_RULE', span: WHOLE, message, hint }
}

function isPriority(value: unknown): boolean {
  return Number.isInteger(value) && (((value as number) >= 0 && (value as number) <= 9) || value === DEFAULT_PRIORITY)
}

function isTimeToLive(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TIME_TO_LIVE
}
