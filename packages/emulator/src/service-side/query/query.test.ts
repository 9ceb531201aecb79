import { expect, test } from 'vitest'
import { matches, select } from './evaluate.js'
import { parseCondition, parseQuery } from './parser.js'

const PRESS = { deviceId: 'press', tags: { site: 'north', line: 3 }, properties: { reported: { ok: true } } }
const LATHE = { deviceId: 'lathe', tags: { site: 'south', line: 5 }, properties: { reported: {} } }
const DRILL = { deviceId: 'drill', tags: { site: 'north' }, properties: { reported: { ok: null } } }
const ALL = [PRESS, LATHE, DRILL]

const ids = (where: string) => {
  const condition = parseCondition(where)
  return ALL.filter(twin => condition === 'always' || matches(condition, twin)).map(({ deviceId }) => deviceId)
}

test.each([
  ['*', ['press', 'lathe', 'drill']],
  ["tags.site = 'north'", ['press', 'drill']],
  ["tags.site != 'north'", ['lathe']],
  ['tags.line <> 3', ['lathe']],
  ['tags.line >= 3 AND tags.line < 5', ['press']],
  ["deviceId IN ['press', 'drill']", ['press', 'drill']],
  ["deviceId NOT IN ['press', 'drill']", ['lathe']],
  ['is_defined(properties.reported.ok)', ['press', 'drill']],
  ['NOT is_defined(tags.line)', ['drill']],
  ['is_null(properties.reported.ok)', ['drill']],
  ['properties.reported.ok = true', ['press']],
  ["STARTSWITH(deviceId, 'pr') OR ENDSWITH(deviceId, 'ill')", ['press', 'drill']],
  ["(tags.site = 'south' OR tags.line = 3) AND NOT deviceId = 'press'", ['lathe']],
  ["devices.deviceId = 'press'", ['press']],
  ["tags['site'] = 'south'", ['lathe']],
])('%s', (where, expected) => {
  expect(ids(where)).toEqual(expected)
})

test.each([
  ['SELECT * FROM devices', ALL],
  [
    "select deviceId, tags.site as place from devices where deviceId = 'press'",
    [{ deviceId: 'press', place: 'north' }],
  ],
  ['SELECT COUNT() AS n FROM devices', [{ n: 3 }]],
  ['SELECT COUNT(*) AS n FROM devices WHERE tags.line > 9', [{ n: 0 }]],
  [
    'SELECT tags.site, COUNT() AS n FROM devices GROUP BY tags.site',
    [
      { site: 'north', n: 2 },
      { site: 'south', n: 1 },
    ],
  ],
  ['SELECT TOP 1 deviceId FROM devices', [{ deviceId: ALL[0]?.deviceId }]],
  ['SELECT top FROM devices WHERE is_defined(tags.nothing)', []],
  ['SELECT AVG(tags.line) AS mean FROM devices', [{ mean: 4 }]],
])('%s', (text, expected) => {
  expect(select(parseQuery(text), ALL)).toEqual(expected)
})

test.each([
  '',
  'SELECT',
  'SELECT * FROM',
  'SELECT * FROM devices WHERE',
  'SELECT * FROM devices WHERE a',
  'SELECT * FROM devices ;',
  'SELECT TOP 0 * FROM devices',
  "SELECT * FROM devices WHERE a = 'b",
])('%j is refused with a place', text => {
  expect(() => parseQuery(text)).toThrow(/(?:character|word) \d+/)
})
