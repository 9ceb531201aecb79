import { createMessage, type MessageSource } from '@edgewright/core'
import { expect, test } from 'vitest'
import {
  type Condition,
  compileRoutes,
  everything,
  type MessageValues,
  module,
  moduleMessages,
  printRoute,
  route,
  telemetry,
  twinChanges,
  upstream,
} from '../index.js'

interface Reading {
  readonly celsius: number
  readonly unit: 'C' | 'F'
  readonly ok?: boolean
  readonly site: { readonly name: string | null; readonly 'floor level': number; readonly gt: number }
  readonly history: readonly { readonly celsius: number }[]
}

const sensor = module<{ outputs: { temperature: Reading; alarm: { code: number } }; inputs: 'settings' | 'reset' }>(
  'sensor',
)
const source: MessageSource = { kind: 'telemetry', moduleId: 'sensor', output: 'temperature' }

function textOf(condition: (message: MessageValues<Reading>) => Condition) {
  const rule = route.from(sensor.output('temperature')).where(condition).into(upstream)
  const { table, errors } = compileRoutes({ rule })
  expect(errors).toEqual([])
  expect(printRoute(table.routes[0]!.tree)).toBe(rule.route)
  return rule.route
    .replace('FROM /messages/modules/sensor/outputs/temperature WHERE ', '')
    .replace(' INTO $upstream', '')
}

test('builds a rule like any other', () => {
  const hot = route
    .from(sensor.output('temperature'))
    .where(m => m.body.celsius.gt(20))
    .into(sensor.input('reset'), { priority: 1, timeToLiveSecs: 60 })
  expect(hot).toEqual({
    route:
      'FROM /messages/modules/sensor/outputs/temperature WHERE $body.celsius > 20 INTO BrokeredEndpoint("/modules/sensor/inputs/reset")',
    priority: 1,
    timeToLiveSecs: 60,
  })
  const { table } = compileRoutes({ hot })
  const message = (celsius: number) =>
    createMessage({ body: JSON.stringify({ celsius }), system: { contentType: 'application/json' } })
  expect(table.match(message(21), source)).toHaveLength(1)
  expect(table.match(message(20), source)).toHaveLength(0)
})

test.each([
  [everything(), '/*'],
  [telemetry(), '/messages/*'],
  [moduleMessages(), '/messages/modules/*'],
  [twinChanges(), '/twinChangeNotifications'],
  [sensor.messages(), '/messages/modules/sensor/*'],
  [module('any').output('out'), '/messages/modules/any/outputs/out'],
])('takes messages from %j', (from, path) => {
  expect(route.from(from).into(upstream).route).toBe(`FROM ${path} INTO $upstream`)
})

const CONDITIONS: readonly (readonly [(m: MessageValues<Reading>) => Condition, string])[] = [
  [m => m.body.ok, '$body.ok'],
  [m => m.body.ok.not(), 'NOT $body.ok'],
  [
    m => m.body.unit.eq('C').and(m.body.celsius.lte(-5), m.body.ok),
    "$body.unit = 'C' AND $body.celsius <= -5 AND $body.ok",
  ],
  [m => m.body.ok.and(m.body.ok.or(m.body.ok)).or(m.body.ok), '$body.ok AND ($body.ok OR $body.ok) OR $body.ok'],
  [m => m.body.site['floor level'].ne(3), '$body.site["floor level"] != 3'],
  [m => m.body.site.gt.gt(3), '$body.site.gt > 3'],
  [
    m => m.body.history[0]!.celsius.gt(m.body.celsius.plus(1).times(2)),
    '$body.history[0].celsius > ($body.celsius + 1) * 2',
  ],
  [m => m.body.celsius.dividedBy(3).minus(1).modulo(2).negated().lt(0), '-(($body.celsius / 3 - 1) % 2) < 0'],
  [m => m.body.celsius.abs().power(2).sqrt().gte(1), 'sqrt(power(abs($body.celsius), 2)) >= 1'],
  [m => m.property('kind').eq("it's"), "kind = 'it\\'s'"],
  [m => m.property('speed (km/h)').asNumber().gt(30), 'as_number({"speed (km/h)"}) > 30'],
  [m => m.property('kind').lower().startsWith('a').not(), "NOT starts_with(lower(kind), 'a')"],
  [m => m.property('a').concat('-', m.property('b')).length().eq(3), "length(concat(a, '-', b)) = 3"],
  [m => m.property('a').substring(1, 2).contains(m.body.unit), 'contains(substring(a, 1, 2), $body.unit)'],
  [m => m.property('a').orElse('none').eq('none'), "(a ?? 'none') = 'none'"],
  [
    m => m.property('a').isDefined().and(m.body.site.name.isNull().not()),
    'is_defined(a) AND NOT is_null($body.site.name)',
  ],
  [m => m.system.connectionDeviceId.eq('leaf'), "$connectionDeviceId = 'leaf'"],
  [m => m.system['dt-subject'].endsWith('x'), "ends_with($dt-subject, 'x')"],
]

test.each(CONDITIONS)('condition %# prints, and reads back as the same', (condition, text) => {
  expect(textOf(condition)).toBe(text)
})

test('several conditions must all be true', () => {
  const rule = route
    .from(sensor.output('temperature'))
    .where(m => m.body.ok)
    .where(m => m.body.celsius.gt(20))
    .into(upstream)
  expect(rule.route).toContain('WHERE $body.ok AND $body.celsius > 20 INTO')
})

test('refuses what the language cannot write', () => {
  expect(() => module('a b')).toThrow(TypeError)
  expect(() => module('a').output('x/y')).toThrow(TypeError)
  expect(() => module('')).toThrow(TypeError)
  expect(() => textOf(m => m.body.celsius.gt(Number.NaN))).toThrow('no way to write NaN')
  expect(() => textOf(m => m.body.celsius.eq(new Date() as never))).toThrow(TypeError)
})
