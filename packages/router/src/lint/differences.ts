import { checkCondition } from '../check/check.js'
import { type Checked, partsOf } from '../check/checked.js'
import { sourcePattern } from '../check/source-pattern.js'
import type { CompiledRoute } from '../compile/compiled-route.js'
import type { RouteLimits } from '../limits.js'
import { type ParsedRoute, parseRoute } from '../syntax/parse.js'
import { printExpression } from '../syntax/print.js'
import { Problems } from '../syntax/problem.js'
import type { Finding } from './warning.js'

const HINT = 'See docs/differences/routes.md.'

/** Where IoT Edge gives another answer than the default semantics: to the rule, or to some messages. */
export function differencesFromIotEdge(route: CompiledRoute, limits: Required<RouteLimits>): Finding[] {
  const { text } = route
  const problems = new Problems(limits.problems)
  const original = parseRoute(text, problems, { semantics: 'iotedge', depth: limits.depth })
  if (original.condition !== undefined) checkCondition(original.condition, problems, { semantics: 'iotedge', text })
  const [problem] = problems.list
  if (problem !== undefined) return [difference(problem.span, `IoT Edge refuses this: ${problem.message}`)]
  return [...differentReading(route, original), ...differentAnswers(route.condition)]
}

function difference({ start, end }: Finding['span'], message: string): Finding {
  return { code: 'differs-from-iotedge', span: { start, end }, message, hint: HINT }
}

function differentReading(route: CompiledRoute, original: ParsedRoute): Finding[] {
  const findings: Finding[] = []
  const pattern = original.source && sourcePattern(original.source, new Problems(0), 'iotedge')
  if (pattern?.join('/') !== route.pattern.join('/')) {
    findings.push(
      difference(route.tree.source, 'to IoT Edge a star inside a source is a letter: it never matches there'),
    )
  }
  const [theirs, ours] = [original.condition, route.tree.condition]
  if (theirs !== undefined && ours !== undefined && printExpression(theirs) !== printExpression(ours)) {
    findings.push(difference(ours, `IoT Edge reads this as ${printExpression(theirs)}`))
  }
  return findings
}

/** One finding for each way in which some messages get another answer, at its first place. */
function differentAnswers(condition: Checked | undefined): Finding[] {
  const findings = new Map<string, Finding>()
  const visit = (node: Checked): void => {
    for (const message of answersOf(node)) if (!findings.has(message)) findings.set(message, difference(node, message))
    for (const part of partsOf(node)) visit(part)
  }
  if (condition !== undefined) visit(condition)
  return [...findings.values()]
}

function* answersOf(node: Checked): Generator<string> {
  const parts = partsOf(node)
  const takesBody = parts.some(part => part.type === 'body')
  if (node.kind === 'body') yield BODY_FORMS
  if (node.kind === 'system' && node.name.toLowerCase() === 'correlationid') yield CORRELATION_ID
  if (node.kind === 'comparison' && takesBody && !parts.some(part => part.type === 'null')) yield BODY_COMPARISON
  if (node.kind === 'logical' && takesBody) yield BODY_LOGIC
  if (node.kind === 'coalescence' && takesBody) yield BODY_PRESENCE
  if (node.kind !== 'call') return
  if (takesBody && (node.builtin.name === 'is_null' || node.builtin.name === 'is_defined')) yield BODY_PRESENCE
  if (node.builtin.name === 'as_number') yield GROUPS
}

const BODY_FORMS =
  'a body without content encoding, or with a charset in its content type, is read here and undefined in IoT Edge'
const CORRELATION_ID = 'IoT Edge knows the correlation id of telemetry as $cid only'
const BODY_COMPARISON =
  'a member that is missing, of another type or a date compares as undefined here; IoT Edge orders by type and cannot compare dates'
const BODY_LOGIC =
  'a bare body value that is no boolean makes AND and OR undefined in IoT Edge, whatever the other side'
const BODY_PRESENCE =
  'a missing member is undefined here and objects and arrays are defined; in IoT Edge it is the other way, and is_null is inverted'
const GROUPS = "as_number takes commas only between thousands here; IoT Edge drops them anywhere ('21,5' is 215)"
