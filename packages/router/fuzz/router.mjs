// Random and mutated rules and messages through parse, check, compile, match, explain and lint, in both semantics.
// Nothing but the documented errors may come out, the answers of match and explain must agree, what is printed must
// mean the same, and the byte scanner must find what a parser finds. `npm run fuzz -- router --runs 1000000`
import { readFileSync } from 'node:fs'
import { createMessage } from '@edgewright/core'
import fc from 'fast-check'
import { bodyQuery } from '../dist/compile/body-query.js'
import { BodyScanner } from '../dist/compile/body-scanner.js'
import { parseJsonBody } from '../dist/compile/json-body.js'
import {
  checkRoutes,
  compileRoutes,
  explain,
  formatExplanation,
  formatRouteErrors,
  printRoute,
  RouteError,
} from '../dist/index.js'

export const name = 'router'

/**
 * @param {{ runs: number, seed: number }} options
 * @returns {Promise<{ runs: number, failure?: { input: unknown, error: unknown } }>} the smallest input that fails.
 */
export async function fuzz({ runs, seed }) {
  const { failed, numRuns, counterexample, errorInstance, error } = fc.check(
    fc.property(rule, message, semantics, (text, parts, reading) => examine(text, parts, reading)),
    { numRuns: runs, seed, verbose: 0 },
  )
  if (!failed) return { runs: numRuns }
  const [found, parts, reading] = counterexample
  const text = smallest(found, shorter => fails(shorter, parts, reading))
  return {
    runs: numRuns,
    failure: { input: { text, message: parts, semantics: reading }, error: errorInstance ?? error },
  }
}

/** The text with every stretch cut out that the failure does not need. */
function smallest(text, isFailing) {
  for (let length = Math.ceil(text.length / 2); length > 0; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let start = 0; start < text.length; ) {
      const shorter = text.slice(0, start) + text.slice(start + length)
      if (isFailing(shorter)) text = shorter
      else start += length
    }
  }
  return text
}

function fails(text, parts, reading) {
  try {
    examine(text, parts, reading)
    return false
  } catch {
    return true
  }
}

/** A run that takes longer is a failure: nothing here is large. */
const MAX_MICROSECONDS = 2_000_000
const CODES = new Set(['ROUTE_SYNTAX', 'ROUTE_TYPE', 'ROUTE_RULE', 'ROUTE_LIMIT'])

function examine(text, parts, reading) {
  const started = process.cpuUsage()
  const message = createMessage({ ...parts, properties: new Map(parts.properties) })
  const options = { semantics: reading, comparedToIotEdge: true, modules: ['m'] }
  const { table, errors, warnings } = compileRoutes({ r: text, all: 'FROM /* INTO $upstream' }, options)
  for (const error of errors) {
    hold(error instanceof RouteError && CODES.has(error.code), `an error of another kind: ${error}`)
    hold(
      error.span.start >= 0 && error.span.end <= text.length,
      `an error beyond the text: ${JSON.stringify(error.span)}`,
    )
  }
  hold(errors.length > 0 === (table.routes.length === 1), 'a route is neither in the table nor among the errors')
  hold(typeof formatRouteErrors([...errors, ...warnings]) === 'string', 'errors and warnings have no text')
  const explanation = explain(table, message, parts.source)
  hold(typeof formatExplanation(explanation) === 'string', 'the explanation has no text')
  const matched = table.match(message, parts.source)
  hold(Object.isFrozen(matched), 'the answer can be changed')
  hold(matched === explanation.destinations, 'match and explain disagree on the destinations')
  // The table asks whether conditions hold, the explanation what they come to: two kinds of code, one answer.
  const taken = explanation.routes.filter(route => route.matched).map(route => route.destination)
  hold(targets(matched) === targets(taken), 'match and explain disagree on what a condition comes to')
  if (table.routes.length === 2) examineGood(table, message, parts, reading)
  checkRoutes({ r: text })
  scan(Buffer.from(parts.body))
  hold(process.cpuUsage(started).user < MAX_MICROSECONDS, 'it takes too long')
}

function targets(destinations) {
  return [...new Set(destinations.map(({ target }) => JSON.stringify(target)))].sort().join()
}

/** What is printed of a route answers like it. */
function examineGood(table, message, parts, reading) {
  if (reading !== 'edgewright') return
  const printed = printRoute(table.routes[0].tree)
  const again = compileRoutes({ r: printed, all: 'FROM /* INTO $upstream' })
  hold(again.errors.length === 0, `what is printed is refused: ${printed}`)
  const names = table.match(message, parts.source).map(({ route }) => route)
  const namesAgain = again.table.match(message, parts.source).map(({ route }) => route)
  hold(names.join() === namesAgain.join(), `what is printed answers otherwise: ${printed}`)
}

const PATHS = [['x'], ['s'], ['a', 0], ['a', 1, 'b'], ['a'], [0, 'x']]

function scan(bytes) {
  const { scanner, numbers } = BodyScanner.for(PATHS)
  const result = scanner.scan(bytes)
  if (result === 'unsure') return
  const root = parseJsonBody(bytes, 'utf-8', 'edgewright')
  hold((result === 'valid') === (root !== undefined), `the scanner says ${result}, the parser does not`)
  if (root === undefined) return
  PATHS.forEach((path, index) => {
    const [found, expected] = [scanner.value(numbers[index]), bodyQuery(path, 'edgewright')(root)]
    const different = `the scanner finds ${JSON.stringify([found])} at ${path}, the parser ${JSON.stringify([expected])}`
    hold(Object.is(found, expected), different)
  })
}

function hold(condition, message) {
  if (!condition) throw new Error(message)
}

const golden = JSON.parse(readFileSync(new URL('../test/golden-conditions.json', import.meta.url), 'utf8'))
const CONDITIONS = golden.groups.flatMap(group => group.cases.map(([condition]) => condition))
const BODIES = Object.values(golden.messages).flatMap(({ body }) => (body === undefined ? [] : [body]))

const TOKENS = [
  ...['SELECT', '*', 'FROM', 'WHERE', 'INTO', 'AND', 'OR', 'NOT', 'true', 'FALSE', 'null', 'undefined'],
  ...['(', ')', ',', '{', '}', '[', ']', '+', '-', '*', '/', '%', '=', '!=', '<>', '<', '<=', '>', '>=', '||', '??'],
  ...['/messages', '/messages/*', '/modules', '/m', '/outputs/o', '/twinChangeNotifications', '/*', '*/', '/*c*/'],
  ...['$upstream', 'BrokeredEndpoint("/modules/m/inputs/i")', '$body.x', '$body.a[1].b', '$body["s"]', '{$messageId}'],
  ...['$messageId', '$', '$nosuch', 'temp', 'KIND', 'missing', '{"x y"}', 'a-b', 'a!', '5', '-5', '0.5', '1e3', '0xF'],
  ...["'A'", '"20"', "'it\\'s'", "'\\u0041'", "'", '"', '\\', '\n', '\u00a0', '\u0000', '😀', '“'],
  ...['abs(', 'as_number(', 'concat(', 'is_defined(', 'is_null(', 'lower(', 'starts_with(', 'substring(', 'power('],
]

const token = fc.constantFrom(...TOKENS)
const soup = fc.array(token, { maxLength: 25 }).map(tokens => tokens.join(' '))
const glued = fc.array(token, { maxLength: 10 }).map(tokens => tokens.join(''))
const condition = fc.oneof(
  { weight: 4, arbitrary: mutated(fc.constantFrom(...CONDITIONS)) },
  { weight: 3, arbitrary: fc.constantFrom(...CONDITIONS) },
  { weight: 2, arbitrary: fc.array(fc.constantFrom(...CONDITIONS), { minLength: 2, maxLength: 4 }).map(joinAll) },
  { weight: 2, arbitrary: soup },
  { weight: 1, arbitrary: anyText(30) },
)

function joinAll(conditions) {
  return conditions.map((each, index) => `(${each}) ${index % 2 === 0 ? 'AND' : 'OR'} `).join('') + conditions[0]
}

const path = fc.constantFrom('/messages', '/messages/*', '/*', '/messages/modules/m/*', '/messages/modules/*/outputs/o')
const sink = fc.constantFrom('$upstream', 'BrokeredEndpoint("/modules/m/inputs/i")', "BrokeredEndpoint('x/m/y/i')")
const rule = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(path, condition, sink).map(([from, when, into]) => `FROM ${from} WHERE ${when} INTO ${into}`),
  },
  { weight: 2, arbitrary: soup },
  { weight: 1, arbitrary: glued },
  { weight: 1, arbitrary: mutated(fc.constant('SELECT * FROM /messages/modules/m/outputs/* INTO $upstream')) },
  { weight: 1, arbitrary: anyText(60) },
)

/** Text of any code points, lone surrogates too. */
function anyText(maxLength) {
  return fc.array(fc.nat(0x10ffff), { maxLength }).map(points => String.fromCodePoint(...points))
}

/** A text with a stretch cut out, doubled, or replaced by a token or any character. */
function mutated(texts) {
  const change = fc.tuple(fc.nat(200), fc.nat(8), fc.oneof(token, fc.constant(''), fc.string({ maxLength: 2 })))
  return fc.tuple(texts, fc.array(change, { minLength: 1, maxLength: 3 })).map(([text, changes]) =>
    changes.reduce((whole, [at, length, insert]) => {
      const start = at % (whole.length + 1)
      return whole.slice(0, start) + insert + whole.slice(start + length)
    }, text),
  )
}

const semantics = fc.constantFrom('edgewright', 'iotedge')
const propertyName = fc.oneof(
  fc.constantFrom('temp', 'Kind', 'KIND', 'a!', '$messageId', 'x y', '__proto__'),
  fc.string(),
)
const propertyValue = fc.oneof(fc.constantFrom('A', '20', '1,5', '', null), fc.string({ maxLength: 8 }))
const source = fc.constantFrom(
  { kind: 'telemetry' },
  { kind: 'telemetry', moduleId: 'm' },
  { kind: 'telemetry', moduleId: 'M', output: 'o' },
  { kind: 'telemetry', moduleId: '', output: '/' },
  { kind: 'twinChange' },
)
const anyMessage = fc.record({
  properties: fc.array(fc.tuple(propertyName, propertyValue), { maxLength: 5 }),
  system: fc.record({
    messageId: fc.constantFrom(undefined, 'm1'),
    contentType: fc.constantFrom(undefined, 'application/json', 'application/json; charset=utf-8', 'text/plain', ';'),
    contentEncoding: fc.constantFrom(undefined, 'utf-8', 'UTF-16', 'utf-32', 'gzip'),
  }),
  body: fc.oneof(
    fc.constantFrom(...BODIES),
    mutated(fc.constantFrom(...BODIES)),
    fc.json({ maxDepth: 3 }),
    anyText(20),
  ),
  source,
})
/** The messages that the golden conditions are about: with these, most of what they say comes to bear. */
const goldenMessage = fc
  .tuple(fc.constantFrom(...Object.values(golden.messages)), source)
  .map(([{ properties = {}, system = {}, body = '' }, from]) => {
    return { properties: Object.entries(properties), system, body, source: from }
  })
const base = { ...golden.messages.base, properties: Object.entries(golden.messages.base.properties) }
const baseMessage = source.map(from => ({ ...base, source: from }))
const message = fc.oneof(baseMessage, goldenMessage, anyMessage)
