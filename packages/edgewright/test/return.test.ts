import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'azure-iot-device'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { amqp, createGateway, type Gateway, https, iotHub, mqtt } from '../src/index.js'
import { AZURE_TRANSPORTS, canBind, openAzureClient, report } from './azure-clients.js'
import { startCloud, type TestCloud } from './cloud.js'

/** The Azure SDK finds WebSockets on port 443 only, so gateway and cloud have loopback addresses of their own. */
const ADDRESS = '127.4.2.1'
const CLOUD_ADDRESS = '127.4.2.2'
const TRANSPORTS = Object.keys(AZURE_TRANSPORTS) as (keyof typeof AZURE_TRANSPORTS)[]
/** The bench `outage` goes through a hundred. */
const ROUNDS = 3
/** Milliseconds from the return of the link to what the client is told. */
const LIMIT = 2_000

const mayBind = await canBind(443, ADDRESS)

describe.skipIf(!mayBind).each(TRANSPORTS)('when the link over %s returns', upstream => {
  let house: House

  beforeAll(async () => {
    house = await startHouse(upstream)
  })

  afterAll(() => house[Symbol.asyncDispose]())

  it('clients of every transport are told at once what is desired since', { timeout: 60_000 }, async () => {
    const paces = await Promise.all(TRANSPORTS.map(transport => house.listener(transport)))
    for (let pace = 1; pace <= ROUNDS; pace++) {
      await house.away()
      for (const { deviceId } of paces) house.cloud.emulator.twins.change({ deviceId }, { desired: { pace } }, 'merge')
      await house.back()
      const began = performance.now()
      await Promise.all(paces.map(({ told }) => told(pace)))
      expect(performance.now() - began).toBeLessThan(LIMIT)
    }
    expect(paces.map(({ seen }) => seen)).toEqual(paces.map(() => [1, 2, 3]))
  })

  it('what was reported meanwhile arrives as one patch, and what is refused then is told to the next read', {
    timeout: 60_000,
  }, async () => {
    const { emulator } = house.cloud
    for (const transport of TRANSPORTS) {
      const { client, deviceId } = await house.device(transport)
      const twin = await client.getTwin()
      await report(twin, { state: 'before' })
      await house.away()
      await report(twin, { state: 'meanwhile' })
      await report(twin, { more: 1 })
      const { version } = emulator.twins.get({ deviceId }).reported
      await house.back()
      await emulator.twins.until({ deviceId }, ({ reported }) => reported.properties.more === 1)
      expect(emulator.twins.get({ deviceId }).reported.version).toBe(version + 1)

      await house.away()
      await report(twin, { more: 2 })
      const refusal = emulator.faults.inject({ kind: 'reject', of: 'report', as: 'ArgumentInvalid', nth: 1 })
      await house.back()
      await expect.poll(() => emulator.faults.list()[0]?.strikes).toBe(1)
      const { reported } = (await client.getTwin()).properties
      expect(reported).toMatchObject({
        state: 'meanwhile',
        more: 1,
        $refused: { properties: expect.arrayContaining(['more']) },
      })
      refusal.lift()
      await report(twin, { more: 3 })
      expect((await client.getTwin()).properties.reported).not.toHaveProperty('$refused')
      await client.close()
    }
  })

  it('and a patch that the cloud refuses at once is refused to the client', { timeout: 60_000 }, async () => {
    for (const transport of TRANSPORTS) {
      const { client } = await house.device(transport)
      const twin = await client.getTwin()
      const refusal = house.cloud.emulator.faults.inject({ kind: 'reject', of: 'report', as: 'ArgumentInvalid' })
      await expect(report(twin, { bad: 1 })).rejects.toThrow()
      refusal.lift()
      await report(twin, { good: 1 })
      await client.close()
    }
  })
})

interface House extends AsyncDisposable {
  readonly cloud: TestCloud
  /** A connected client of a device of its own. */
  device(transport: keyof typeof AZURE_TRANSPORTS): Promise<{ readonly client: Client; readonly deviceId: string }>
  /** The same, that listens for the desired property `pace`. */
  listener(transport: keyof typeof AZURE_TRANSPORTS): Promise<{
    readonly deviceId: string
    readonly seen: readonly number[]
    told(pace: number): Promise<void>
  }>
  away(): Promise<void>
  back(): Promise<void>
}

async function startHouse(transport: keyof typeof AZURE_TRANSPORTS): Promise<House> {
  const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-return-'))
  const cloud = await startCloud(CLOUD_ADDRESS)
  const { connectionString, ca } = cloud
  const gateway = createGateway({
    dataDir,
    hostname: ADDRESS,
    upstream: iotHub({ connectionString, ca, transports: [transport], reconnect: { first: 100, most: 200 } }),
    listen: [mqtt({ address: ADDRESS }), amqp({ address: ADDRESS }), https({ address: ADDRESS })],
    routes: {},
  })
  await gateway.start()
  if (gateway.status().connectivity.type === 'offline') await changed(gateway)
  const clients: Client[] = []
  const device: House['device'] = async name => {
    const deviceId = `${name}-${clients.length}`
    const client = await openAzureClient(cloud.device(deviceId, ADDRESS), name, gateway.trustBundle)
    clients.push(client)
    return { client, deviceId }
  }
  return {
    cloud,
    device,
    async listener(name) {
      const { client, deviceId } = await device(name)
      const seen: number[] = []
      let onSeen: () => unknown = () => undefined
      const twin = await client.getTwin()
      twin.on('properties.desired', ({ pace }: { pace?: number }) => {
        if (pace !== undefined) seen.push(pace)
        onSeen()
      })
      const told = (pace: number) =>
        new Promise<void>(resolve => {
          onSeen = () => seen.includes(pace) && resolve()
          onSeen()
        })
      await expect.poll(() => cloud.emulator.clients.handler({ deviceId }, 'desired')).toBeDefined()
      return { deviceId, seen, told }
    },
    async away() {
      const offline = changed(gateway)
      cloud.emulator.cut()
      await offline
    },
    async back() {
      const online = changed(gateway)
      cloud.emulator.restore()
      await online
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map(client => client.close().catch(() => undefined)))
      await gateway.stop()
      await cloud[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true })
    },
  }
}

function changed(gateway: Gateway): Promise<void> {
  return new Promise(resolve => gateway.once('connectivity', () => resolve()))
}
