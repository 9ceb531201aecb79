import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestCertificates, testCertificates } from '@edgewright/testkit'
import type { BenchRow } from './bench.js'
import { startMosquitto } from './load/mosquitto.js'
import { type MqttLoad, runMqttLoad } from './load/mqtt-load.js'
import { forkGateway, forkServer, type GatewaySettings, type ServerProcess } from './load/server-process.js'

/*
 * How many QoS 1 messages a second are acknowledged, by ours only after they are durable. What the figures do not say:
 * the load comes from the same machine and takes one of its processors; mosquitto and aedes keep nothing.
 */
const WIDE = { connections: 10, inFlight: 100, bodyBytes: 256, warmUp: 1_000, duration: 4_000 }
const NARROW = { ...WIDE, connections: 500, inFlight: 1 }
const JSON_BODY = jsonBody(256)
const AEDES = new URL('./load/aedes-server.js', import.meta.url)

const tls = testCertificates()

export async function run(): Promise<BenchRow[]> {
  const ours = async (load: Load, settings: GatewaySettings = {}) => measure(await forkGateway(settings), load)
  const aedes = await measure(await forkServer(AEDES), WIDE)
  const mosquitto = await measureMosquitto(WIDE)
  const log = await ours(WIDE)
  const rows = [
    row('10 × 100 in flight, log store', log, 'bare aedes, nothing stored', aedes),
    ...against('10 × 100 in flight, log store', log, mosquitto),
    row('10 × 100 in flight, log store', log, 'append of 256 B, one fdatasync for 1,000', {
      rate: appendCeiling(1_000),
    }),
    row('10 × 100 in flight, LMDB store', await ours(WIDE, { store: 'lmdb' }), 'bare aedes, nothing stored', aedes),
  ]
  for (const conditions of [1, 20]) {
    const load = { ...WIDE, json: JSON_BODY }
    const rate = await ours(load, { routes: bodyRoutes(conditions) })
    rows.push(...against(`10 × 100 in flight, ${conditions} body conditions`, rate, mosquitto))
  }
  rows.push(...against('500 × 1 in flight, log store', await ours(NARROW), await measureMosquitto(NARROW)))
  const secure = { ...WIDE, ca: tls.ca }
  const overTls = await ours(secure, { tls })
  rows.push(...against('10 × 100 in flight over TLS', overTls, await measureMosquitto(secure, tls)))
  const securely = await measure(await forkServer(AEDES, [tls.key, tls.cert]), secure)
  rows.push(row('10 × 100 in flight over TLS', overTls, 'bare aedes, nothing stored', securely))
  return rows
}

type Load = Omit<MqttLoad, 'host' | 'port' | 'cpuSeconds'>

/** What a server did, and what of a processor it took; the latter is steadier on a machine that does other things. */
interface Measured {
  readonly rate: number
  /** Microseconds of processor time for one message. */
  readonly cpu?: number
}

async function measure(server: ServerProcess, load: Load): Promise<Measured> {
  await using running = server
  const { host, port, cpuSeconds } = running
  return await runMqttLoad({ ...load, host, port, cpuSeconds })
}

async function measureMosquitto(load: Load, certificates?: TestCertificates): Promise<Measured | undefined> {
  const server = await startMosquitto(certificates)
  return server && measure(server, load)
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

/** Rows of rate, and of processor time, beside mosquitto. */
function against(name: string, ours: Measured, mosquitto: Measured | undefined): BenchRow[] {
  return mosquitto === undefined
    ? []
    : [
        row(name, ours, 'mosquitto, nothing stored', mosquitto),
        {
          case: name,
          ours: ours.cpu!,
          unit: 'µs of CPU a message',
          peer: 'mosquitto, nothing stored',
          peerValue: mosquitto.cpu!,
          ratio: mosquitto.cpu! / ours.cpu!,
        },
      ]
}

function row(name: string, ours: Measured, peer: string, peerValue: Measured): BenchRow {
  const unit = 'messages/s'
  return { case: name, ours: ours.rate, unit, peer, peerValue: peerValue.rate, ratio: ours.rate / peerValue.rate }
}

function bodyRoutes(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`r${i}`, `FROM /messages/* WHERE $body.value > ${i} INTO $upstream`]),
  )
}

function jsonBody(bytes: number): Buffer {
  const text = JSON.stringify({ value: 42, text: '' })
  return Buffer.from(JSON.stringify({ value: 42, text: 'x'.repeat(bytes - text.length) }))
}
