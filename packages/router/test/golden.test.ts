import { readFileSync } from 'node:fs'
import { createMessage, type MessageSource } from '@edgewright/core'
import { describe, expect, test } from 'vitest'
import { compileRoutes, explain, type Semantics } from '../src/index.js'
import { type GoldenMessage, goldenMessage, telemetry } from './golden-message.js'

interface Conditions {
  readonly messages: Readonly<Record<string, GoldenMessage>>
  readonly groups: readonly {
    readonly section: string
    readonly message?: string
    readonly cases: readonly (readonly [condition: string, original: string, ours?: string, message?: string])[]
  }[]
}

interface Routes {
  readonly routes: readonly (readonly [route: string, original: string, ours?: string])[]
  readonly sources: {
    readonly messages: Readonly<Record<string, MessageSource>>
    readonly cases: readonly (readonly [source: string, original: string, ours?: string])[]
  }
  readonly rules: readonly (readonly [name: string, schema: '1.0' | '1.1', rule: unknown, answer: string])[]
}

const conditions = readGolden<Conditions>('golden-conditions.json')
const routes = readGolden<Routes>('golden-routes.json')
const emptyMessage = createMessage({})

describe.each<Semantics>(['iotedge', 'edgewright'])('in the semantics %s', semantics => {
  const expected = (original: string, ours = original) => (semantics === 'iotedge' ? original : ours)

  for (const group of conditions.groups) {
    describe(`conditions, section ${group.section}`, () => {
      const cases = group.cases.map(([condition, original, ours, message = group.message ?? 'base']) => ({
        condition,
        answer: expected(original, ours),
        message,
      }))
      test.each(cases)('$message: $condition is $answer', ({ condition, answer, message }) => {
        expect(answerTo(condition, goldenMessage(conditions.messages[message]!), semantics)).toBe(answer)
      })
    })
  }

  test.each(routes.routes.map(([route, original, ours]) => ({ route, answer: expected(original, ours) })))(
    'the route $route gives $answer',
    ({ route, answer }) => {
      expect(compileRoutes({ route }, { semantics }).errors.length === 0 ? 'P' : 'E').toBe(answer)
    },
  )

  test.each(routes.sources.cases.map(([source, original, ours]) => ({ source, answer: expected(original, ours) })))(
    'the source $source takes $answer',
    ({ source, answer }) => {
      const { table, errors } = compileRoutes({ route: `FROM ${source} INTO $upstream` }, { semantics })
      const taken = Object.entries(routes.sources.messages)
        .filter(([, from]) => table.match(emptyMessage, from).length > 0)
        .map(([name]) => name)
      expect(errors.length > 0 ? ['E'] : taken.sort()).toEqual(answer === '' ? [] : answer.split(' ').sort())
    },
  )

  test.each(routes.rules)('%s in schema %s: %j gives %s', (name, schema, rule, answer) => {
    const { errors } = compileRoutes({ [name]: rule as string }, { semantics, schema })
    expect(errors.length === 0 ? 'P' : 'E').toBe(answer)
  })
})

test('the golden files hold at least 400 cases', () => {
  const count = conditions.groups.reduce((sum, group) => sum + group.cases.length, 0)
  expect(count + routes.routes.length + routes.sources.cases.length + routes.rules.length).toBeGreaterThanOrEqual(400)
})

/** Asks the table and the explanation, which must agree. */
function answerTo(
  condition: string,
  { message, source = telemetry }: ReturnType<typeof goldenMessage>,
  semantics: Semantics,
) {
  // The source has no star: with one, a comment in the condition would begin there for the original.
  const from = source.kind === 'twinChange' ? '/twinChangeNotifications' : '/messages'
  const { table, errors } = compileRoutes({ route: `FROM ${from} WHERE ${condition} INTO $upstream` }, { semantics })
  if (errors.length > 0) return 'C'
  const [explained] = explain(table, message, source).routes
  const value = explained?.condition?.value
  const matched = table.match(message, source).length > 0
  expect(explained?.matched).toBe(matched)
  expect(matched).toBe(value === true)
  return value === true ? 'T' : value === false || value === null ? 'F' : 'U'
}

function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T
}
