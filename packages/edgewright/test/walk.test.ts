import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import type { LogFields } from '@edgewright/core'
import { connectAsync, MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGateway, type Gateway, iotHub, mqtt, type Store } from '../src/index.js'
import { startCloud, type TestCloud } from './cloud.js'
import { openDeviceClient, sdkMessage } from './device-client.js'
import { startGatewayProcess } from './gateway-process.js'

describe('a message walks through the house', () => {
  let cloud: TestCloud
  let gateway: Gateway
  let dataDir: string
  let host: string
  const log: { message: string; fields: LogFields | undefined }[] = []

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'edgewright-walk-'))
    cloud = await startCloud()
    gateway = createGateway({
      dataDir,
      upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
      listen: [mqtt({ address: '127.0.0.1', port: 0 })],
      logger: { log: (_level, message, fields) => void log.push({ message, fields }) },
    })
    await gateway.start()
    host = `127.0.0.1:${gateway.addresses[0]!.port}`
  })

  afterAll(async () => {
    await gateway.stop()
    await cloud[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })

  it('from an unmodified device SDK to a reader in the cloud, with its properties and its true sender', async () => {
    const client = await openDeviceClient(cloud.device('leaf-1', host), gateway.trustBundle)
    const message = sdkMessage('{"celsius":21}', { room: 'hall 7/b', empty: '' })
    message.messageId = 'id-1'
    message.correlationId = 'c/1'
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    await client.sendEvent(message)
    const [event] = await cloud.emulator.events.until(1, { where: ({ sender }) => sender.deviceId === 'leaf-1' })
    await client.close()
    expect(event!.sender).toEqual({ deviceId: 'leaf-1' })
    expect(Buffer.from(event!.message.body).toString()).toBe('{"celsius":21}')
    expect(Object.fromEntries(event!.message.properties)).toMatchObject({ room: 'hall 7/b', empty: '' })
    expect(event!.message.system).toMatchObject({
      messageId: 'id-1',
      correlationId: 'c/1',
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    })
  })

  it('on one physical connection, whoever sends', async () => {
    const senders = ['one', 'two', 'three']
    for (const deviceId of senders) {
      const client = await openDeviceClient(cloud.device(deviceId, host), gateway.trustBundle)
      await client.sendEvent(sdkMessage(deviceId))
      await client.close()
    }
    const isOurs = ({ sender }: { sender: { deviceId: string } }) => senders.includes(sender.deviceId)
    const events = await cloud.emulator.events.until(3, { where: isOurs })
    for (const { sender, message } of events) expect(Buffer.from(message.body).toString()).toBe(sender.deviceId)
    expect(cloud.emulator.openConnections.amqp).toBe(1)
  })

  it('but not with a token that is not its own: refused, the reason in our log, nothing but the code on the wire', async () => {
    const connectionString = cloud.device('forger', host).replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=c2VjcmV0')
    await expect(openDeviceClient(connectionString, gateway.trustBundle)).rejects.toMatchObject({
      name: 'UnauthorizedError',
      message: expect.stringContaining('Not authorized'),
    })
    expect(reasonsFor('forger')).toContainEqual(expect.stringContaining('wrong-signature'))
  })

  it('and then not a word more on the wire than the protocol wants', async () => {
    const received: Buffer[] = []
    const socket = connectTls({ host: '127.0.0.1', port: gateway.addresses[0]!.port, ca: gateway.trustBundle })
    socket.on('data', chunk => received.push(chunk))
    const options = { clientId: 'mute', username: '127.0.0.1/mute/?api-version=2021-04-12', password: 'nonsense' }
    const client = new MqttClient(() => socket, { ...options, protocolVersion: 4, reconnectPeriod: 0 })
    client.on('error', () => undefined)
    await once(socket, 'close')
    await client.endAsync(true)
    expect(Buffer.concat(received).toString('hex')).toBe('20020005')
    expect(reasonsFor('mute')).toContainEqual(expect.stringContaining('malformed'))
  })

  it('nor from a device that nobody knows', async () => {
    const connectionString = cloud.device('known', host).replace('DeviceId=known', 'DeviceId=stranger')
    await expect(openDeviceClient(connectionString, gateway.trustBundle)).rejects.toMatchObject({
      name: 'UnauthorizedError',
    })
    expect(reasonsFor('stranger')).toContainEqual(expect.stringContaining('unknown-identity'))
  })

  it('nor in the name of another device', async () => {
    const raw = await rawClient(cloud.device('honest', host), 'honest')
    const closed = new Promise(resolve => raw.once('close', () => resolve(undefined)))
    raw.publish('devices/someone-else/messages/events/', 'x', { qos: 1 }, () => undefined)
    await closed
    await raw.endAsync(true)
    expect(cloud.emulator.events.snapshot(({ sender }) => sender.deviceId === 'someone-else')).toEqual([])
    expect(JSON.stringify(log)).toMatch(/honest.*topic|topic.*honest/)
  })

  /** The reasons in the log of refusals that name an identity. */
  function reasonsFor(identity: string): unknown[] {
    return log
      .filter(({ fields }) => JSON.stringify(fields ?? {}).includes(identity))
      .map(({ fields }) => fields?.reason)
  }

  async function rawClient(connectionString: string, deviceId: string) {
    const { createSasToken, formatSasAudience } = await import('@edgewright/protocol')
    const key = /SharedAccessKey=([^;]+)/.exec(connectionString)![1]!
    const resource = formatSasAudience('127.0.0.1', { deviceId })
    return connectAsync(`mqtts://${host}`, {
      ca: gateway.trustBundle,
      clientId: deviceId,
      username: `127.0.0.1/${deviceId}/?api-version=2021-04-12`,
      password: createSasToken({ resource, expiresAt: Date.now() + 600_000, key }),
      protocolVersion: 4,
      reconnectPeriod: 0,
    })
  }
})

describe('what was acknowledged while the cloud was cut off', () => {
  it('all arrives, in order, also when the gateway is killed in between', { timeout: 60_000 }, async () => {
    await using cloud = await startCloud()
    const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-restart-'))
    const settings = { dataDir, connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }
    const first = await startGatewayProcess(settings)
    const connectionString = cloud.device('leaf', first.host)
    const client = await openDeviceClient(connectionString, first.trustBundle)
    cloud.emulator.cut()
    for (let number = 0; number < 1_000; number += 50) {
      const burst = Array.from({ length: 50 }, (_, index) => client.sendEvent(sdkMessage(String(number + index))))
      await Promise.all(burst)
    }
    await first.kill()
    client.removeAllListeners()
    const second = await startGatewayProcess(settings)
    cloud.emulator.restore()
    const events = await cloud.emulator.events.until(1_000)
    const numbers = events.map(({ message }) => Number(Buffer.from(message.body).toString()))
    expect(numbers).toEqual(Array.from({ length: 1_000 }, (_, number) => number))
    await second.stop()
    await rm(dataDir, { recursive: true })
  })
})

// A program may bring its own parts; this one only has to compile.
export const ownStore = (store: Store) =>
  createGateway({ upstream: iotHub({ connectionString: undefined }), store: () => store })
