import { DEFAULT_PRIORITY, isJsonObject, type JsonObject } from '@edgewright/core'
import type { Problem } from '../syntax/problem.js'

/** The version of the deployment schema that rules are written for. */
export type RouteSchema = '1.0' | '1.1'

/** A rule, taken apart. */
export interface RuleParts {
  /** Absent when the rule has none. */
  readonly text: string | undefined
  readonly priority: number
  readonly timeToLiveSecs: number
  /** What is wrong beside the text. */
  readonly problems: readonly Problem[]
}

const NOWHERE = { start: 0, end: 0 }
const MAX_TIME_TO_LIVE = 2 ** 32 - 1

const RULE_FORMS = 'Write "FROM … INTO …", or {"route": "FROM … INTO …", "priority": 0, "timeToLiveSecs": 3600}.'
const TIMES_TO_LIVE = `Use whole seconds from 0 (the hub's own setting) to ${MAX_TIME_TO_LIVE}.`

/**
 * Takes a rule of a deployment apart. Source: hub reference, 1.11.
 *
 * @returns nothing for a rule that the schema has skipped.
 */
export function readRule(name: string, rule: unknown, schema: RouteSchema): RuleParts | undefined {
  if (schema === '1.0') return readPlainRule(rule)
  const problems: Problem[] = []
  if (name.trim() === '') problems.push(problem('the route has no name', 'Name it in the deployment.'))
  if (typeof rule === 'string') return parts(rule, problems)
  if (isJsonObject(rule)) return readRuleObject(rule, problems)
  return parts(undefined, [...problems, problem('the route is neither a text nor an object', RULE_FORMS)])
}

function readPlainRule(rule: unknown): RuleParts | undefined {
  const hint = 'Schema 1.0 knows no other form; 1.1 does.'
  if (typeof rule !== 'string') return parts(undefined, [problem('the route is no text', hint)])
  return rule.trim() === '' ? undefined : parts(rule, [])
}

function readRuleObject(rule: JsonObject, problems: Problem[]): RuleParts {
  const { route, priority = DEFAULT_PRIORITY, timeToLiveSecs = 0 } = rule
  const text = typeof route === 'string' ? route : undefined
  if (text === undefined) problems.push(problem('the member "route" is missing or no text', RULE_FORMS))
  if (!isPriority(priority)) {
    const message = `the priority ${JSON.stringify(priority)} is not one of 0 to 9`
    problems.push(problem(message, 'Use 0 (first) to 9, or leave it out.'))
  }
  if (!isTimeToLive(timeToLiveSecs)) {
    problems.push(problem(`the time-to-live ${JSON.stringify(timeToLiveSecs)} is no number of seconds`, TIMES_TO_LIVE))
  }
  return { text, priority: Number(priority), timeToLiveSecs: Number(timeToLiveSecs), problems }
}

function parts(text: string | undefined, problems: readonly Problem[]): RuleParts {
  return { text, priority: DEFAULT_PRIORITY, timeToLiveSecs: 0, problems }
}

function problem(message: string, hint: string): Problem {
  return { code: 'ROUTE_RULE', span: NOWHERE, message, hint }
}

function isPriority(value: unknown): boolean {
  return value === DEFAULT_PRIORITY || isWholeNumberUpTo(9, value)
}

function isTimeToLive(value: unknown): boolean {
  return isWholeNumberUpTo(MAX_TIME_TO_LIVE, value)
}

function isWholeNumberUpTo(limit: number, value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= limit
}
