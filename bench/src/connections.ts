import type { Socket } from 'node:net'
import { testCertificates } from '@edgewright/testkit'
import type { BenchRow } from './bench.js'
import { startMosquitto } from './load/mosquitto.js'
import { openMqttSocket } from './load/mqtt-socket.js'
import { forkGateway, forkServer, type ServerProcess } from './load/server-process.js'

/*
 * What an idle client costs in memory, over TCP and over TLS 1.3, and how many come in a second over TLS, each with a full
 * handshake and a login. Ours are sessions of the hub; the peers' are connections. What the figures do not say: the
 * clients are on the same machine, and their half of each handshake costs as much.
 */
const CLIENTS = 10_000
const AT_ONCE = 64
/** Milliseconds in which a server may tidy up before its memory is read. */
const REST = 5_000
const KIB = 1_024
const GOALS = { TCP: 10, TLS: 40 }

const tls = testCertificates()

export async function run(): Promise<BenchRow[]> {
  const aedes = new URL('./load/aedes-server.js', import.meta.url)
  const rows: BenchRow[] = []
  for (const [kind, certificates] of [
    ['TCP', undefined],
    ['TLS', tls],
  ] as const) {
    const ca = certificates?.ca
    const ours = await measure(await forkGateway({ tls: certificates }), ca)
    const mosquitto = await startMosquitto(certificates)
    const peers = [
      ['mosquitto', mosquitto && (await measure(mosquitto, ca))],
      ['bare aedes', await measure(await forkServer(aedes, certificates && [tls.key, tls.cert]), ca)],
    ] as const
    const name = `${CLIENTS} clients over ${kind}`
    const less = (unit: string, ours: number, peer: string, peerValue: number) =>
      rows.push({ case: name, ours, unit, peer, peerValue, ratio: peerValue / ours })
    less('KiB each, idle', ours.kib, 'goal', GOALS[kind])
    for (const [peer, theirs] of peers) {
      if (theirs === undefined) continue
      less('KiB each, idle', ours.kib, peer, theirs.kib)
      less('µs of CPU a connect', ours.cpu, peer, theirs.cpu)
      const { rate: peerValue } = theirs
      rows.push({ case: name, ours: ours.rate, unit: 'connects/s', peer, peerValue, ratio: ours.rate / peerValue })
    }
  }
  return rows
}

async function measure(server: ServerProcess, ca: string | undefined) {
  await using running = server
  const { host, port } = running
  // What the first clients bring about is not theirs alone.
  const sockets = await openAll(100, index => openMqttSocket({ host, port, ca, clientId: `early-${index}` }))
  await passed(REST)
  const [memory, cpu, began] = [running.memory(), running.cpuSeconds(), performance.now()]
  sockets.push(...(await openAll(CLIENTS, index => openMqttSocket({ host, port, ca, clientId: `device-${index}` }))))
  const rate = (CLIENTS * 1_000) / (performance.now() - began)
  const perConnect = ((running.cpuSeconds() - cpu) * 1e6) / CLIENTS
  await passed(REST)
  const kib = (running.memory() - memory) / CLIENTS / KIB
  for (const socket of sockets) socket.destroy()
  return { rate, cpu: perConnect, kib }
}

/** So many, but only some at once. */
async function openAll(count: number, open: (index: number) => Promise<Socket>): Promise<Socket[]> {
  const sockets: Socket[] = []
  let next = 0
  const worker = async () => {
    while (next < count) sockets.push(await open(next++))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return sockets
}

function passed(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
