import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchRow } from './bench.js'
import { forkServer, type ServerProcess, spawnMosquitto } from './load/server-process.js'
import { runTopicLoad, type TopicLoad } from './load/topic-load.js'

/*
 * How many messages a second go from publishers to subscribers on free topics. What the figures do not say: ours judges
 * every message by a policy, and with persistent sessions acknowledges only what is on disk, where aedes and mosquitto
 * keep it in memory; the load comes from the same machine.
 */
type Load = Omit<TopicLoad, 'host' | 'port'>
const BASE = { publishers: 4, subscribers: 1, qos: 0, persistent: false, inFlight: 100, bodyBytes: 256 } as const
const TIMES = { warmUp: 1_000, duration: 3_000 }
const CASES: readonly (readonly [name: string, load: Load])[] = [
  ['4 → 1, QoS 0', { ...BASE, ...TIMES }],
  ['4 → 1, QoS 1', { ...BASE, ...TIMES, qos: 1 }],
  ['1 → 20, QoS 0', { ...BASE, ...TIMES, publishers: 1, subscribers: 20 }],
  ['4 → 1, QoS 1, persistent session', { ...BASE, ...TIMES, qos: 1, persistent: true }],
]

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const [name, load] of CASES) {
    const ours = await measure(await forkServer(new URL('./topics-server.js', import.meta.url)), load)
    const aedes = await measure(await forkServer(new URL('./load/aedes-server.js', import.meta.url)), load)
    const mosquitto = await measureMosquitto(load)
    rows.push(row(name, ours, 'bare aedes, memory', aedes))
    if (mosquitto !== undefined) rows.push(row(name, ours, 'mosquitto, memory', mosquitto))
  }
  return rows
}

async function measure(server: ServerProcess, load: Load): Promise<number> {
  await using running = server
  return await runTopicLoad({ ...load, host: running.host, port: running.port })
}

async function measureMosquitto(load: Load): Promise<number | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'edgewright-mosquitto-'))
  try {
    const server = await spawnMosquitto(async port => {
      const file = join(folder, 'mosquitto.conf')
      const limits = 'max_inflight_messages 100\nmax_queued_messages 0\n'
      writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n${limits}`)
      return ['-c', file]
    })
    return server && (await measure(server, load))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function row(name: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit: 'messages/s', peer, peerValue, ratio: ours / peerValue }
}
