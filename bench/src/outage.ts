import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMessage } from '@edgewright/core'
import { createEmulator, type Emulator } from '@edgewright/emulator'
import { testCertificates } from '@edgewright/testkit'
import { amqp, createGateway, type Gateway, https, iotHub, mqtt } from 'edgewright'
import type { BenchRow } from './bench.js'
import { AZURE_TRANSPORTS, type AzureTransport, listenForPace, type PaceListener } from './load/azure-listener.js'

/*
 * What happens when the link returns: how soon a client is told of a desired property that changed meanwhile, over every
 * transport of the client and of the link, and how long a backlog takes to leave over a slow link. The peers are the
 * limits we set ourselves. The clients are Azure's, which find WebSockets on port 443 only.
 */
const BACKLOG = 10_000
const BODY = 1_024
const ROUND_TRIP = 50
const RUNS = 100
const DEVICE = { deviceId: 'leaf' }
const ADDRESS = '127.4.3.1'
const CLOUD_ADDRESS = '127.4.3.2'

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const transport of AZURE_TRANSPORTS) rows.push(...(await withHouse(transport, changes)))
  rows.push(await withHouse('amqp', backlog))
  return rows
}

/** A gateway and its cloud, and the link between them in hand. */
interface House {
  readonly transport: AzureTransport
  readonly emulator: Emulator
  readonly gateway: Gateway
  away(): Promise<void>
  back(): Promise<void>
}

async function withHouse<T>(transport: AzureTransport, measure: (house: House) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-outage-'))
  const tls = testCertificates({ ipAddresses: [CLOUD_ADDRESS] })
  const emulator = createEmulator({ address: CLOUD_ADDRESS, tls })
  await emulator.start()
  emulator.registry.createDevice({ deviceId: 'edge', capabilities: { iotEdge: true } })
  emulator.registry.createDevice({ ...DEVICE, parentId: 'edge' })
  const connectionString = emulator.deviceConnectionString('edge')
  const gateway = createGateway({
    dataDir,
    hostname: ADDRESS,
    upstream: iotHub({ connectionString, ca: tls.ca, transports: [transport], reconnect: { first: 100, most: 200 } }),
    listen: [mqtt({ address: ADDRESS }), amqp({ address: ADDRESS }), https({ address: ADDRESS })],
    routes: { all: 'FROM /messages/* INTO $upstream' },
  })
  await gateway.start()
  const change = () => new Promise<void>(resolve => gateway.once('connectivity', () => resolve()))
  const house: House = {
    transport,
    emulator,
    gateway,
    async away() {
      const offline = change()
      emulator.cut()
      await offline
    },
    async back() {
      const online = change()
      emulator.restore()
      await online
    },
  }
  try {
    if (gateway.status().connectivity.type === 'offline') await change()
    return await measure(house)
  } finally {
    await gateway.stop()
    await emulator.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function changes({ transport: link, emulator, gateway, away, back }: House): Promise<BenchRow[]> {
  const listeners: PaceListener[] = []
  for (const transport of AZURE_TRANSPORTS) {
    const deviceId = `leaf-${transport}`
    emulator.registry.createDevice({ deviceId, parentId: 'edge' })
    const connectionString = `${emulator.deviceConnectionString(deviceId)};GatewayHostName=${ADDRESS}`
    listeners.push(await listenForPace({ deviceId, connectionString, transport, ca: gateway.trustBundle }))
  }
  const isListening = () => listeners.every(({ deviceId }) => emulator.clients.handler({ deviceId }, 'desired'))
  while (!isListening()) await new Promise(resolve => setTimeout(resolve, 20))
  const worst = new Map<PaceListener, number>(listeners.map(listener => [listener, 0]))
  for (let pace = 1; pace <= RUNS; pace++) {
    await away()
    for (const { deviceId } of listeners) emulator.twins.change({ deviceId }, { desired: { pace } }, 'merge')
    const began = new Promise<number>(resolve => gateway.once('connectivity', () => resolve(performance.now())))
    const told = listeners.map(async listener => {
      await listener.told(pace)
      const delay = performance.now() - (await began)
      worst.set(listener, Math.max(worst.get(listener)!, delay))
    })
    await back()
    await Promise.all(told)
  }
  await Promise.all(listeners.map(listener => listener.close()))
  return listeners.map(listener =>
    limit(`change told by ${listener.transport}, link by ${link}, worst of ${RUNS}`, worst.get(listener)!, 'ms', 2_000),
  )
}

async function backlog({ emulator, gateway, away, back }: House): Promise<BenchRow> {
  const nothing = () => undefined
  const method = () => Promise.reject(new Error('takes no methods'))
  const peer = { transport: 'bench', deliver: nothing, desired: nothing, method, close: nothing }
  const { session } = await gateway.hub.openSession({ identity: DEVICE, peer, persistent: false })
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
  return limit(`10,000 messages of 1 KiB leave over ${ROUND_TRIP} ms of round trip`, drained / 1000, 's', 10)
}

/** Less is better. */
function limit(name: string, ours: number, unit: string, peerValue: number): BenchRow {
  return { case: name, ours, unit, peer: 'limit', peerValue, ratio: peerValue / ours }
}
