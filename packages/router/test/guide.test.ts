import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileRoutes, explain, readMessageDocument, type RouteRules, type Semantics } from '../src/index.js'

/** A block: rules, a blank line, and one claim a line. */
const BLOCK = /^```route\n(?<rules>[\s\S]+?)\n\n(?<claims>[\s\S]+?)\n```$/gm
const ERROR = /^error (?<code>\S+?)(?:: (?<hint>.+))?$/
const MESSAGE = /^(?<semantics>iotedge )?(?<message>\{.*\}) → (?<outcome>.+)$/

const guide = readFileSync(new URL('../../../docs/guides/routes.md', import.meta.url), 'utf8')
const claims = Array.from(guide.matchAll(BLOCK), ({ groups }) =>
  groups!.claims!.split('\n').map(claim => ({ text: groups!.rules!, claim })),
).flat()

test('no example of the guide escapes the test', () => {
  expect(guide.match(/^```route$/gm)).toHaveLength(new Set(claims.map(({ text }) => text)).size)
  expect(claims.length).toBeGreaterThan(40)
})

test.each(claims)('$text: $claim', ({ text, claim }) => {
  const rules: RouteRules = text.startsWith('{') ? JSON.parse(text) : { rule: text }
  const refused = ERROR.exec(claim)?.groups
  if (refused === undefined) return expectOutcome(rules, MESSAGE.exec(claim)!.groups!)
  const [error] = compileRoutes(rules).errors
  expect(error?.code).toBe(refused.code)
  if (refused.hint !== undefined) expect(error?.hint).toBe(refused.hint)
})

function expectOutcome(rules: RouteRules, claim: Readonly<Record<string, string | undefined>>): void {
  const semantics: Semantics = claim.semantics === undefined ? 'edgewright' : 'iotedge'
  const { table, errors } = compileRoutes(rules, { semantics })
  expect(errors).toEqual([])
  const { message, source } = readMessageDocument(JSON.parse(claim.message!))
  const destinations = table.match(message, source)
  if (table.routes.length > 1) {
    expect(destinations.map(({ route, priority }) => `${route} ${priority}`).join(', ')).toBe(claim.outcome)
    return
  }
  const { matched, sourceMatched, condition } = explain(table, message, source).routes[0]!
  expect(destinations.length > 0).toBe(matched)
  const undecided = sourceMatched && condition !== undefined && condition.value === undefined
  expect(matched ? 'taken' : undecided ? 'undefined' : 'left').toBe(claim.outcome)
}
