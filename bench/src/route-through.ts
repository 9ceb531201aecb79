import type { BenchRow } from './bench.js'
import { startMosquitto } from './load/mosquitto.js'
import { forkGateway, forkServer, type ServerProcess } from './load/server-process.js'
import { latencies, throughput, type ThroughLoad } from './load/through-load.js'

/*
 * Module to route to module, QoS 1 at both ends, durable in between: how many a second, and how long it takes at 2,000 a
 * second. The peers pass from publisher to subscriber and keep nothing. What the figures do not say: publishers and
 * subscriber are one process on the same machine, and take one of its processors.
 */
const PUBLISHERS = 4
const ON_THE_WAY = 1_000
const PACE = 2_000
const DURATION = 4_000
const ROUTES = { through: 'FROM /messages/* INTO BrokeredEndpoint("/modules/sink/inputs/in")' }

const OURS = way(
  index => ({ clientId: `edge/source-${index}`, topic: `devices/edge/modules/source-${index}/messages/events/` }),
  { clientId: 'edge/sink', filter: 'devices/edge/modules/sink/inputs/#' },
)
const THEIRS = way(index => ({ clientId: `source-${index}`, topic: 'through' }), {
  clientId: 'sink',
  filter: 'through',
})

export async function run(): Promise<BenchRow[]> {
  const aedes = () => forkServer(new URL('./load/aedes-server.js', import.meta.url))
  const ours = await measure(await forkGateway({ routes: ROUTES }), OURS)
  const peers = [
    ['mosquitto, nothing stored', await startMosquitto()],
    ['bare aedes, nothing stored', await aedes()],
  ] as const
  const rows: BenchRow[] = []
  for (const [peer, server] of peers) {
    if (server === undefined) continue
    const theirs = await measure(server, THEIRS)
    const name = `${PUBLISHERS} publishers to 1 subscriber`
    const row = (what: string, unit: string, a: number, b: number, ratio: number) =>
      rows.push({ case: `${name}${what}`, ours: a, unit, peer, peerValue: b, ratio })
    row('', 'messages/s', ours.rate, theirs.rate, ours.rate / theirs.rate)
    row('', 'µs of CPU a message', ours.cpu, theirs.cpu, theirs.cpu / ours.cpu)
    row(` at ${PACE}/s, median`, 'ms', ours.p50, theirs.p50, theirs.p50 / ours.p50)
    row(` at ${PACE}/s, 99 of 100`, 'ms', ours.p99, theirs.p99, theirs.p99 / ours.p99)
  }
  rows.push({
    ...{ case: `at ${PACE}/s, 99 of 100`, ours: ours.p99, unit: 'ms', peer: 'goal', peerValue: 2 },
    ratio: 2 / ours.p99,
  })
  return rows
}

type Way = Omit<ThroughLoad, 'host' | 'port'>

async function measure(server: ServerProcess, way: Way) {
  await using running = server
  const load = { ...way, host: running.host, port: running.port }
  const before = running.cpuSeconds()
  const rate = await throughput(load, ON_THE_WAY, DURATION)
  // A second of warm-up goes before.
  const cpu = ((running.cpuSeconds() - before) * 1e6) / ((rate * (DURATION + 1_000)) / 1_000)
  const times = await latencies(load, PACE, DURATION)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN
  return { rate, cpu, p50: at(0.5), p99: at(0.99) }
}

function way(
  publisher: (index: number) => ThroughLoad['publishers'][number],
  subscriber: ThroughLoad['subscriber'],
): Way {
  return { publishers: Array.from({ length: PUBLISHERS }, (_, index) => publisher(index)), subscriber, bodyBytes: 256 }
}
