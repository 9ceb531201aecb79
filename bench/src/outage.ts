import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientPeer, createMessage, type Identity, type TwinPatch } from '@edgewright/core'
import { createEmulator } from '@edgewright/emulator'
import { testCertificates } from '@edgewright/testkit'
import { createGateway, iotHub } from 'edgewright'
import type { BenchRow } from './bench.js'

/*
 * What happens when the link returns: how long a backlog takes to leave over a slow link, and how soon a client is told
 * of a desired property that changed meanwhile. The peers are the limits we set ourselves.
 */
const BACKLOG = 10_000
const BODY = 1_024
const ROUND_TRIP = 50
const RUNS = 100
const DEVICE = { deviceId: 'leaf' }

export async function run(): Promise<BenchRow[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-outage-'))
  const tls = testCertificates({ ipAddresses: ['127.0.0.1'] })
  const emulator = createEmulator({ address: '127.0.0.1', ports: { mqtt: 0, amqp: 0, https: 0 }, tls })
  await emulator.start()
  emulator.registry.createDevice({ deviceId: 'edge', capabilities: { iotEdge: true } })
  emulator.registry.createDevice({ ...DEVICE, parentId: 'edge' })
  const connectionString = emulator.deviceConnectionString('edge')
  const gateway = createGateway({
    dataDir,
    upstream: iotHub({ connectionString, ca: tls.ca, ports: emulator.ports }),
    routes: { all: 'FROM /messages/* INTO $upstream' },
  })
  await gateway.start()
  const change = () => new Promise<void>(resolve => gateway.once('connectivity', () => resolve()))
  const away = async () => {
    const offline = change()
    emulator.cut()
    await offline
  }
  const back = async () => {
    const online = change()
    emulator.restore()
    await online
  }
  try {
    let told: (patch: TwinPatch) => void = () => undefined
    const session = await open(DEVICE, patch => told(patch))
    await session.getTwin()
    await session.subscribe('desired')
    const delays: number[] = []
    for (let pace = 1; pace <= RUNS; pace++) {
      await away()
      emulator.twins.change(DEVICE, { desired: { pace } }, 'merge')
      const arrived = new Promise<void>(resolve => {
        told = ({ patch }) => patch.pace === pace && resolve()
      })
      await back()
      const began = performance.now()
      await arrived
      delays.push(performance.now() - began)
    }

    await away()
    const body = Buffer.alloc(BODY, 'x')
    for (let sent = 0; sent < BACKLOG; sent += 500) {
      await session.send(Array.from({ length: 500 }, () => createMessage({ body })))
    }
    emulator.faults.inject({ kind: 'delay', milliseconds: ROUND_TRIP / 2 })
    await back()
    const began = performance.now()
    await emulator.events.until(BACKLOG)
    const drained = performance.now() - began
    return [
      limit(`10,000 messages of 1 KiB leave over ${ROUND_TRIP} ms of round trip`, drained / 1000, 's', 10),
      limit(`a desired change reaches its client after return, worst of ${RUNS}`, Math.max(...delays), 'ms', 2_000),
    ]
  } finally {
    await gateway.stop()
    await emulator.stop()
    await rm(dataDir, { recursive: true, force: true })
  }

  async function open(identity: Identity, desired: (patch: TwinPatch) => void) {
    const nothing = () => undefined
    const method = () => Promise.reject(new Error('takes no methods'))
    const peer: ClientPeer = { transport: 'bench', deliver: nothing, desired, method, close: nothing }
    return (await gateway.hub.openSession({ identity, peer, persistent: false })).session
  }
}

/** Less is better. */
function limit(name: string, ours: number, unit: string, peerValue: number): BenchRow {
  return { case: name, ours, unit, peer: 'limit', peerValue, ratio: peerValue / ours }
}
