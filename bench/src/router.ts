import { createMessage, type Message, type MessageSource } from '@edgewright/core'
import { compileRoutes, type RouteTable } from '@edgewright/router'
import type { BenchRow } from './bench.js'

/*
 * How many messages a second a route table answers, beside the same conditions written by hand as closures that only
 * say yes or no: no source, no endpoint, no priority, exact letter case. What the figures do not say: one message is
 * asked over and over, so caches are as warm as they get, for both sides.
 */
const SOURCE: MessageSource = { kind: 'telemetry', moduleId: 'press', output: 'cycles' }
const BODY = JSON.stringify({
  celsius: 31.5,
  site: 'hall-7',
  machine: { id: 'press-12', line: 4, state: 'running' },
  cycle: 18_203,
  readings: [20.25, 21.5, 19.75, 22, 20.5, 23.25],
  alarm: null,
  ok: true,
  remark: 'within limits, no change since the last shift',
})
const MESSAGE = createMessage({
  body: BODY,
  properties: { kind: 'reading', zone: 'north', temp: '31.5', machine: 'Press-12', shift: '2' },
  system: { contentType: 'application/json', contentEncoding: 'utf-8', messageId: 'm1' },
})
const BYTES = Buffer.from(MESSAGE.body.buffer, MESSAGE.body.byteOffset, MESSAGE.body.byteLength)
const COUNTS = [1, 10, 100, 1_000]

/** A condition in the language, and the same by hand. Of several, all but the first few are false of the message. */
interface Pair {
  readonly rule: string
  readonly byHand: (message: Message, body: () => Body) => boolean
}

interface Body {
  readonly celsius: number
  readonly site: string
  readonly machine: { readonly line: number }
}

const KINDS: Readonly<Record<string, (index: number) => Pair>> = {
  'properties only': index => ({
    rule: `zone = 'north' AND as_number(temp) > ${30 + index}`,
    byHand: ({ properties }) => properties.get('zone') === 'north' && Number(properties.get('temp')) > 30 + index,
  }),
  'heavy on functions': index => ({
    rule: `starts_with(lower(machine), 'press') AND length(zone) > 2 AND substring(machine, 6) = '${12 + index}'`,
    byHand: ({ properties }) => {
      const machine = properties.get('machine') ?? ''
      const zone = properties.get('zone') ?? ''
      return machine.toLowerCase().startsWith('press') && zone.length > 2 && machine.slice(6) === String(12 + index)
    },
  }),
  'on the body': index => ({
    rule: `$body.celsius > ${30 + index} AND $body.site = 'hall-7' AND $body.machine.line = 4`,
    byHand: (_, body) => body().celsius > 30 + index && body().site === 'hall-7' && body().machine.line === 4,
  }),
}

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const [kind, pair] of Object.entries(KINDS)) {
    for (const count of COUNTS) {
      const pairs = Array.from({ length: count }, (_, index) => pair(index))
      const table = tableOf(pairs.map(({ rule }) => `FROM /messages/* WHERE ${rule}`))
      const closures = pairs.map(({ byHand }) => byHand)
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
  const sinks = rules.map((rule, index) => [
    `r${index}`,
    `${rule} INTO BrokeredEndpoint("/modules/m${index}/inputs/in")`,
  ])
  const { table, errors } = compileRoutes(Object.fromEntries(sinks))
  for (const error of errors) throw error
  return table
}

function countByHand(closures: readonly Pair['byHand'][]): number {
  let parsed: Body | undefined
  const body = () => {
    parsed ??= JSON.parse(BYTES.toString('utf8')) as Body
    return parsed
  }
  let count = 0
  for (const closure of closures) if (closure(MESSAGE, body)) count++
  return count
}

const ROUNDS = 9
const ROUND_MILLISECONDS = 60

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

function rateOf(call: () => number): number {
  const started = performance.now()
  let calls = 0
  let elapsed = 0
  let total = 0
  while (elapsed < ROUND_MILLISECONDS) {
    for (let index = 0; index < 100; index++) total += call()
    calls += 100
    elapsed = performance.now() - started
  }
  if (total < 0) throw new Error('a count cannot be negative')
  return (calls / elapsed) * 1_000
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function rowOf(name: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit: 'messages/s', peer, peerValue, ratio: ours / peerValue }
}
