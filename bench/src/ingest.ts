import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchRow } from './bench.js'
import { type MqttLoad, runMqttLoad } from './load/mqtt-load.js'
import { forkServer, type ServerProcess, spawnMosquitto } from './load/server-process.js'

/*
 * How many QoS 1 messages a second are acknowledged, by ours only after they are durable. What the figures do not say:
 * the load comes from the same machine and takes one of its processors; mosquitto and aedes keep nothing.
 */
const WIDE = { connections: 10, inFlight: 100, bodyBytes: 256, warmUp: 1_000, duration: 4_000 }
const NARROW = { ...WIDE, connections: 500, inFlight: 1 }
const JSON_BODY = jsonBody(256)

export async function run(): Promise<BenchRow[]> {
  const ours = async (load: Omit<MqttLoad, 'host' | 'port'>, args: readonly string[]) =>
    measure(await forkServer(new URL('./ingest-server.js', import.meta.url), args), load)
  const aedes = await measure(await forkServer(new URL('./load/aedes-server.js', import.meta.url)), WIDE)
  const mosquitto = await measureMosquitto(WIDE)
  const log = await ours(WIDE, ['log'])
  const rows = [
    row('10 × 100 in flight, log store', log, 'bare aedes, nothing stored', aedes),
    ...against('10 × 100 in flight, log store', log, mosquitto),
    row('10 × 100 in flight, log store', log, 'append of 256 B, one fdatasync for 1,000', appendCeiling(1_000)),
    row('10 × 100 in flight, LMDB store', await ours(WIDE, ['lmdb']), 'bare aedes, nothing stored', aedes),
  ]
  for (const conditions of [1, 20]) {
    const load = { ...WIDE, json: JSON_BODY }
    const rate = await ours(load, ['log', String(conditions)])
    rows.push(...against(`10 × 100 in flight, ${conditions} body conditions`, rate, mosquitto))
  }
  const narrow = await ours(NARROW, ['log'])
  rows.push(...against('500 × 1 in flight, log store', narrow, await measureMosquitto(NARROW)))
  return rows
}

async function measure(server: ServerProcess, load: Omit<MqttLoad, 'host' | 'port'>): Promise<number> {
  await using running = server
  return await runMqttLoad({ ...load, host: running.host, port: running.port })
}

async function measureMosquitto(load: Omit<MqttLoad, 'host' | 'port'>): Promise<number | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'edgewright-mosquitto-'))
  try {
    const server = await spawnMosquitto(port => {
      const file = join(folder, 'mosquitto.conf')
      const limits = 'max_inflight_messages 0\nmax_queued_messages 0\n'
      writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n${limits}`)
      return ['-c', file]
    })
    return server && (await measure(server, load))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Messages per second of the barest durable thing: one file, one sync for so many. */
function appendCeiling(batch: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'edgewright-ceiling-'))
  const file = openSync(join(folder, 'segment'), 'a')
  const bytes = Buffer.alloc(batch * 256, 'x')
  const began = performance.now()
  let batches = 0
  while (performance.now() - began < 2_000) {
    writeSync(file, bytes)
    fdatasyncSync(file)
    batches++
  }
  const rate = (batches * batch * 1000) / (performance.now() - began)
  closeSync(file)
  rmSync(folder, { recursive: true, force: true })
  return rate
}

function against(name: string, ours: number, mosquitto: number | undefined): BenchRow[] {
  return mosquitto === undefined ? [] : [row(name, ours, 'mosquitto, nothing stored', mosquitto)]
}

function row(name: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit: 'messages/s', peer, peerValue, ratio: ours / peerValue }
}

function jsonBody(bytes: number): Buffer {
  const text = JSON.stringify({ value: 42, text: '' })
  return Buffer.from(JSON.stringify({ value: 42, text: 'x'.repeat(bytes - text.length) }))
}
