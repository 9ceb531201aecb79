import { createMessage, type MessageSource } from '@edgewright/core'
import { expect, test } from 'vitest'
import { compileRoutes } from '../src/index.js'

const message = createMessage({
  properties: { kind: 'reading', Zone: 'north', temp: '31.25', limit: '30.5', machine: 'press-12' },
  system: { connectionDeviceId: 'edge', contentType: 'text/plain' },
})
const source: MessageSource = { kind: 'telemetry', moduleId: 'press', output: 'cycles' }

const WARM_UP = 30_000
const CALLS = 50_000

test.each([
  "kind = 'reading' AND zone != 'south'",
  "missing = 'x' OR is_defined(zone) AND NOT is_defined(other)",
  'as_number(temp) > 31.2',
  'as_number(temp) * 1.8 + 32 > as_number(limit) / 0.5 - 0.25',
  'floor(as_number(temp)) = 31 AND sqrt(square(as_number(temp))) < 31.5 AND abs(-0.5) < power(as_number(limit), 0.5)',
  "length(machine) > 3 AND index_of(machine, '-') = 5 AND starts_with(machine, 'press') AND contains(zone, 'ort')",
  "$connectionDeviceId = 'edge' AND (missing ?? kind) = 'reading'",
])('evaluating %s allocates nothing', condition => {
  const { table, errors } = compileRoutes({
    one: `FROM /messages/* WHERE ${condition} INTO $upstream`,
    two: 'FROM /messages/modules/press/outputs/cycles INTO BrokeredEndpoint("/modules/m/inputs/i")',
  })
  expect(errors).toEqual([])
  expect(table.match(message, source)).toHaveLength(2)
  const run = (calls: number) => {
    let count = 0
    for (let index = 0; index < calls; index++) count += table.match(message, source).length
    return count
  }
  run(WARM_UP)
  const bytesPerCall = Array.from({ length: 8 }, () => {
    const before = process.memoryUsage().heapUsed
    run(CALLS)
    return (process.memoryUsage().heapUsed - before) / CALLS
  })
  const grown = bytesPerCall.filter(bytes => bytes >= 0)
  expect(Math.min(...grown)).toBeLessThan(1)
})
