import { createMessage, type Message, type MessageSource } from '@edgewright/core'
import { compileRoutes, type RouteTable } from '@edgewright/router'
import type { BenchRow } from './bench.js'

/*
 * How many messages a table of routes answers in a second of processor time, beside the same conditions written by hand
 * as closures that only say yes or no: no source, no endpoint, no priority, and names of properties in one letter case.
 * Each kind has conditions of six shapes, of which all but the first few are false of the message: fewer, and the
 * engine would inline the closures by hand into their caller, as it never could in a program with so many of them. What the figures do
 * not say: one message is asked over and over, so everything is as warm as it gets, for both sides.
 */
const SOURCE: MessageSource = { kind: 'telemetry', moduleId: 'press', output: 'cycles' }
const CONTENT = {
  celsius: 31.5,
  site: 'hall-7',
  machine: { id: 'press-12', line: 4, state: 'running' },
  cycle: 18_203,
  readings: [20.25, 21.5, 19.75, 22, 20.5, 23.25],
  alarm: null as string | null,
  ok: true,
  remark: 'within limits, no change since the last shift',
}
const MESSAGE = createMessage({
  body: JSON.stringify(CONTENT),
  properties: { kind: 'reading', zone: 'north', temp: '31.5', machine: 'Press-12', shift: '2' },
  system: { contentType: 'application/json', contentEncoding: 'utf-8', messageId: 'm1' },
})
const BODY = Buffer.from(MESSAGE.body.buffer, MESSAGE.body.byteOffset, MESSAGE.body.byteLength)
const COUNTS = [1, 10, 100, 1_000]

/** A condition by hand; `body` parses the body when it is first called. */
type ByHand = (message: Message, body: () => typeof CONTENT) => boolean

/** Makes a condition of one shape in the language, and the same by hand. */
type Shape = (index: number) => readonly [condition: string, byHand: ByHand]

const KINDS: Readonly<Record<string, readonly Shape[]>> = {
  'properties only': [
    index => [
      `zone = 'north' AND as_number(temp) > ${30 + index}`,
      ({ properties }) => properties.get('zone') === 'north' && Number(properties.get('temp')) > 30 + index,
    ],
    index => [
      `kind = 'reading' AND shift = '${index}'`,
      ({ properties }) => properties.get('kind') === 'reading' && properties.get('shift') === String(index),
    ],
    index => [
      `machine != 'Press-${index}' AND as_number(temp) * 2 < ${60 - index}`,
      ({ properties }) => {
        const machine = properties.get('machine')
        return machine !== undefined && machine !== `Press-${index}` && Number(properties.get('temp')) * 2 < 60 - index
      },
    ],
    index => [
      `is_defined(zone) AND (zone = 'south' OR shift > '${index}')`,
      ({ properties }) => {
        const [zone, shift] = [properties.get('zone'), properties.get('shift')]
        return zone !== undefined && (zone === 'south' || (typeof shift === 'string' && shift > String(index)))
      },
    ],
    index => [
      `$messageId = 'm1' AND machine = 'Press-${12 + index}'`,
      ({ system, properties }) => system.messageId === 'm1' && properties.get('machine') === `Press-${12 + index}`,
    ],
    index => [
      `NOT (kind = 'test' OR zone != 'north') AND as_number(shift) >= ${index}`,
      ({ properties }) => {
        const [kind, zone] = [properties.get('kind'), properties.get('zone')]
        return kind !== undefined && kind !== 'test' && zone === 'north' && Number(properties.get('shift')) >= index
      },
    ],
  ],
  'heavy on functions': [
    index => [
      `starts_with(lower(machine), 'press') AND length(zone) > 2 AND substring(machine, 6) = '${12 + index}'`,
      ({ properties }) => {
        const [machine, zone] = [properties.get('machine') ?? '', properties.get('zone') ?? '']
        return machine.toLowerCase().startsWith('press') && zone.length > 2 && machine.slice(6) === String(12 + index)
      },
    ],
    index => [
      `contains(lower(machine), 'ess') AND index_of(machine, '-') = ${5 + index}`,
      ({ properties }) => {
        const machine = properties.get('machine') ?? ''
        return machine.toLowerCase().includes('ess') && machine.indexOf('-') === 5 + index
      },
    ],
    index => [
      `length(concat(kind, '-', zone)) = ${11 + index}`,
      ({ properties }) => `${properties.get('kind')}-${properties.get('zone')}`.length === 11 + index,
    ],
    index => [
      `upper(zone) = 'NORTH' AND power(as_number(shift), 2) = ${index}`,
      ({ properties }) => {
        return properties.get('zone')?.toUpperCase() === 'NORTH' && Number(properties.get('shift')) ** 2 === index
      },
    ],
    index => [
      `ends_with(zone, 'th') AND floor(as_number(temp)) = ${31 + index}`,
      ({ properties }) =>
        properties.get('zone')?.endsWith('th') === true && Math.floor(Number(properties.get('temp'))) === 31 + index,
    ],
    index => [
      `substring(kind, 0, 4) || '-' || shift = 'read-${2 + index}'`,
      ({ properties }) => `${properties.get('kind')?.slice(0, 4)}-${properties.get('shift')}` === `read-${2 + index}`,
    ],
  ],
  'on the body': [
    index => [
      `$body.celsius > ${30 + index} AND $body.site = 'hall-7' AND $body.machine.line = 4`,
      (_, body) => body().celsius > 30 + index && body().site === 'hall-7' && body().machine.line === 4,
    ],
    index => [`$body.ok AND $body.cycle > ${18_202 + index}`, (_, body) => body().ok && body().cycle > 18_202 + index],
    index => [
      `$body.machine.state = 'running' AND $body.readings[1] = ${21.5 + index}`,
      (_, body) => body().machine.state === 'running' && body().readings[1] === 21.5 + index,
    ],
    index => [
      `$body.alarm != null OR $body.celsius < ${31 - index}`,
      (_, body) => body().alarm !== null || body().celsius < 31 - index,
    ],
    index => [
      `starts_with($body.remark, 'within') AND $body.machine.id = 'press-${12 + index}'`,
      (_, body) => body().remark.startsWith('within') && body().machine.id === `press-${12 + index}`,
    ],
    index => [
      `$body.readings[0] + $body.readings[1] > ${41 + index}`,
      (_, body) => body().readings[0]! + body().readings[1]! > 41 + index,
    ],
  ],
}

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const [kind, shapes] of Object.entries(KINDS)) {
    for (const count of COUNTS) {
      const pairs = Array.from({ length: count }, (_, index) => shapes[index % shapes.length]!(index))
      const table = tableOf(pairs.map(([condition]) => `FROM /messages/* WHERE ${condition}`))
      const closures = pairs.map(([, byHand]) => byHand)
      const [ours, peerValue] = compare(
        () => table.match(MESSAGE, SOURCE).length,
        () => countByHand(closures),
      )
      rows.push(rowOf(`${count} ${count === 1 ? 'route' : 'routes'}, ${kind}`, ours, 'closures by hand', peerValue))
    }
  }
  rows.push(fewOfMany())
  return rows
}

/** A thousand routes of which three take messages from the source, beside those three alone. */
function fewOfMany(): BenchRow {
  const matching = ['kind', 'zone', 'shift'].map(name => `FROM /messages/modules/press/* WHERE is_defined(${name})`)
  const others = Array.from({ length: 997 }, (_, index) => `FROM /messages/modules/m${index}/* WHERE kind = 'reading'`)
  const [few, many] = [tableOf(matching), tableOf([...others, ...matching])]
  const [ours, peerValue] = compare(
    () => many.match(MESSAGE, SOURCE).length,
    () => few.match(MESSAGE, SOURCE).length,
  )
  return rowOf('1,000 routes, 3 matching', ours, '3 routes', peerValue)
}

function tableOf(rules: readonly string[]): RouteTable {
  const named = rules.map((rule, index) => [
    `r${index}`,
    `${rule} INTO BrokeredEndpoint("/modules/m${index}/inputs/in")`,
  ])
  const { table, errors } = compileRoutes(Object.fromEntries(named))
  for (const error of errors) throw error
  return table
}

function countByHand(closures: readonly ByHand[]): number {
  let parsed: typeof CONTENT | undefined
  const body = () => {
    parsed ??= JSON.parse(BODY.toString('utf8')) as typeof CONTENT
    return parsed
  }
  let count = 0
  for (const closure of closures) if (closure(MESSAGE, body)) count++
  return count
}

const ROUNDS = 15
const ROUND_MICROSECONDS = 40_000

/** Calls per second of each, in turns so that both see the same machine: medians. The answers must be the same. */
function compare(ours: () => number, peer: () => number): [ours: number, peer: number] {
  if (ours() !== peer()) throw new Error(`the answers differ: ${ours()} and ${peer()}`)
  const rates: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    rates[0].push(rateOf(ours))
    rates[1].push(rateOf(peer))
  }
  return [median(rates[0]), median(rates[1])]
}

/** Calls per second of processor time: what else runs on the machine takes none of that. */
function rateOf(call: () => number): number {
  const started = process.cpuUsage()
  let calls = 0
  let elapsed = 0
  while (elapsed < ROUND_MICROSECONDS) {
    for (let index = 0; index < 200; index++) calls += call() < 0 ? 0 : 1
    const { user, system } = process.cpuUsage(started)
    elapsed = user + system
  }
  return (calls / elapsed) * 1_000_000
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function rowOf(name: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit: 'messages/s', peer, peerValue, ratio: ours / peerValue }
}
