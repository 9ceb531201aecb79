import { createMessage, type MessageSource } from '@edgewright/core'
import { expect, test } from 'vitest'
import { compileRoutes, explain, formatExplanation } from './index.js'

const source: MessageSource = { kind: 'telemetry', moduleId: 'Sensor', output: 'out' }
const message = createMessage({
  body: '{"celsius":31.5,"unit":"C","list":[]}',
  properties: { kind: 'A', empty: null },
  system: { contentType: 'application/json' },
})

function conditionOf(condition: string, of = message) {
  const { table, errors } = compileRoutes({ r: `FROM /* WHERE ${condition} INTO $upstream` })
  expect(errors).toEqual([])
  return explain(table, of, source).routes[0]!.condition!
}

test('says for every route what became of it, and what comes of all of them', () => {
  const { table } = compileRoutes({
    all: { route: 'FROM /messages/* INTO $upstream', priority: 7, timeToLiveSecs: 60 },
    other: 'FROM /messages/modules/other/* INTO $upstream',
    hot: { route: 'FROM /messages/modules/sensor/* WHERE $body.celsius > 30 INTO $upstream', priority: 1 },
    cold: 'FROM /messages/modules/sensor/* WHERE $body.celsius < 0 INTO BrokeredEndpoint("/modules/m/inputs/i")',
  })
  const explanation = explain(table, message, source)
  expect(explanation.source).toBe('/messages/modules/Sensor/outputs/out')
  expect(explanation.destinations).toBe(table.match(message, source))
  expect(explanation.routes).toMatchObject([
    { route: 'all', sourceMatched: true, matched: true, overruledBy: 'hot', destination: { priority: 7 } },
    { route: 'other', sourceMatched: false, matched: false },
    { route: 'hot', sourceMatched: true, matched: true, condition: { value: true } },
    { route: 'cold', sourceMatched: true, matched: false, condition: { value: false } },
  ])
  expect(explanation.routes[1]?.condition).toBeUndefined()
})

test('gives the value of every part as it stands in the rule', () => {
  expect(conditionOf("(kind = 'B') OR $body.celsius - 1.5 > length(lower( kind ))")).toEqual({
    text: "(kind = 'B') OR $body.celsius - 1.5 > length(lower( kind ))",
    value: true,
    parts: [
      {
        text: "(kind = 'B')",
        value: false,
        parts: [
          { text: 'kind', value: 'A', parts: [] },
          { text: "'B'", value: 'B', parts: [] },
        ],
      },
      {
        text: '$body.celsius - 1.5 > length(lower( kind ))',
        value: true,
        parts: [
          {
            text: '$body.celsius - 1.5',
            value: 30,
            parts: [
              { text: '$body.celsius', value: 31.5, parts: [] },
              { text: '1.5', value: 1.5, parts: [] },
            ],
          },
          {
            text: 'length(lower( kind ))',
            value: 1,
            parts: [{ text: 'lower( kind )', value: 'a', parts: [{ text: 'kind', value: 'A', parts: [] }] }],
          },
        ],
      },
    ],
  })
})

test.each([
  ["missing = 'x'", 'the message has no such property'],
  ["empty = 'x'", 'the property came without a value'],
  ["$messageId = 'x'", 'the message has no such system property'],
  ['$body.fahrenheit > 1', 'the body has nothing there'],
  ['$body.list > 1', 'objects and arrays compare with nothing'],
])('says why a part of %s has no value', (condition, note) => {
  const { value, parts } = conditionOf(condition)
  expect(value).toBeUndefined()
  expect(parts[0]?.note).toBe(note)
})

test.each([
  [{ body: '{}', system: {} }, 'the body does not count as JSON: content type missing, content encoding missing'],
  [
    { body: '{}', system: { contentType: 'application/json', contentEncoding: 'gzip' } },
    'the body does not count as JSON: content type application/json, content encoding gzip',
  ],
  [{ body: '{', system: { contentType: 'application/json' } }, 'the body is no valid JSON'],
  [{ body: '5', system: { contentType: 'application/json' } }, 'the root of the body is of a kind that has no members'],
  [
    { body: `{"a":"${'x'.repeat(300_000)}"}`, system: { contentType: 'application/json' } },
    'the body is larger than 262144 bytes',
  ],
])('says why a body cannot be used: %#', (parts, note) => {
  expect(conditionOf('$body.a = 1', createMessage(parts)).parts[0]?.note).toBe(note)
})

test('does not disturb the table', () => {
  const { table } = compileRoutes({ r: "FROM /* WHERE kind = 'A' AND $body.celsius > 30 INTO $upstream" })
  const before = table.match(message, source)
  explain(table, createMessage({}), source)
  expect(table.match(message, source)).toBe(before)
})

test('reads well', () => {
  const { table } = compileRoutes({
    all: 'FROM /messages/* INTO $upstream',
    hot: {
      route: "FROM /messages/* WHERE $body.celsius > 30 AND unit = 'C' INTO BrokeredEndpoint('/modules/m/inputs/i')",
      priority: 1,
      timeToLiveSecs: 60,
    },
    late: { route: 'FROM /messages/modules/sensor/* INTO $upstream', priority: 0 },
  })
  expect(formatExplanation(explain(table, message, source))).toBe(`message from /messages/modules/Sensor/outputs/out

✓ all: FROM /messages/* INTO $upstream
    leads to the cloud (default priority, the hub's time-to-live); overruled by late, which comes first there

✗ hot: FROM /messages/* WHERE $body.celsius > 30 AND unit = 'C' INTO BrokeredEndpoint('/modules/m/inputs/i')
    the condition is undefined, not true
    $body.celsius > 30 AND unit = 'C' → undefined
      $body.celsius > 30 → true
        $body.celsius → 31.5
        30
      unit = 'C' → undefined
        unit → undefined (the message has no such property)
        'C'

✓ late: FROM /messages/modules/sensor/* INTO $upstream
    leads to the cloud (priority 0, the hub's time-to-live)

The message goes to
  the cloud (priority 0, the hub's time-to-live), as late says
`)
})

test('shows what several conditions find in one body, each at a place of its own', () => {
  const { table } = compileRoutes({
    warm: 'FROM /* WHERE $body.celsius > 30 INTO $upstream',
    metric: 'FROM /* WHERE $body.unit = "C" INTO $upstream',
    listed: 'FROM /* WHERE is_defined($body.list) INTO $upstream',
  })
  const { routes } = explain(table, message, source)
  expect(routes.map(({ condition }) => condition!.value)).toEqual([true, true, true])
})
