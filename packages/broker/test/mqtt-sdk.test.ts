import { createRequire } from 'node:module'
import { type LogFields, type LogLevel, NO_PROPERTIES } from '@edgewright/core'
import { testCertificates } from '@edgewright/testkit'
import type { Client as DeviceClient, Message as DeviceMessage, ModuleClient } from 'azure-iot-device'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MqttFrontEnd } from '../src/index.js'
import { HUB_HOST, KEY, MemoryHost } from './memory-host.js'

const require = createRequire(import.meta.url)
const sdk = require('azure-iot-device') as typeof import('azure-iot-device')
const { Mqtt } = require('azure-iot-device-mqtt') as typeof import('azure-iot-device-mqtt')
const { NoRetry } = require('azure-iot-common') as typeof import('azure-iot-common')

const { ca, cert, key } = testCertificates()
const device = { deviceId: 'press-7' }
const module = { deviceId: 'gateway', moduleId: 'filter' }

let host: MemoryHost
let frontEnd: MqttFrontEnd
let log: { level: LogLevel; message: string; fields: LogFields | undefined }[]
let clients: (DeviceClient | ModuleClient)[]

beforeEach(async () => {
  host = new MemoryHost([device, module])
  log = []
  clients = []
  frontEnd = new MqttFrontEnd({
    host,
    listen: { address: '127.0.0.1', port: 0 },
    tls: { certificate: cert, key },
    logger: { log: (level, message, fields) => void log.push({ level, message, fields }) },
  })
  await frontEnd.start()
})

afterEach(async () => {
  await Promise.all(clients.map(client => client.close().catch(() => undefined)))
  await frontEnd.stop()
})

function connectionString(identity: { deviceId: string; moduleId?: string }, sharedAccessKey = KEY): string {
  const { port } = frontEnd.address()
  const moduleId = identity.moduleId === undefined ? '' : `ModuleId=${identity.moduleId};`
  return `HostName=${HUB_HOST};DeviceId=${identity.deviceId};${moduleId}SharedAccessKey=${sharedAccessKey};GatewayHostName=127.0.0.1:${port}`
}

async function deviceClient(sharedAccessKey = KEY): Promise<DeviceClient> {
  const client = sdk.Client.fromConnectionString(connectionString(device, sharedAccessKey), Mqtt)
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca })
  clients.push(client)
  return client
}

async function moduleClient(): Promise<ModuleClient> {
  const client = sdk.ModuleClient.fromConnectionString(connectionString(module), Mqtt)
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca })
  clients.push(client)
  return client
}

describe('a device of the Node SDK over MQTT', () => {
  test('sends a thousand messages with all their properties, each acknowledged once it is durable', async () => {
    const client = await deviceClient()
    await client.open()
    const sent = Array.from({ length: 1_000 }, (_, index) => {
      const message: DeviceMessage = new sdk.Message(JSON.stringify({ index }))
      message.messageId = `message ${index}`
      message.correlationId = 'a/b'
      message.contentType = 'application/json'
      message.contentEncoding = 'utf-8'
      message.properties.add('half & half', `50% = ${index}`)
      return client.sendEvent(message)
    })
    await Promise.all(sent)
    expect(host.taken).toHaveLength(1_000)
    host.taken.forEach((message, index) => {
      expect(message.sender).toBe('press-7')
      expect(Buffer.from(message.body).toString()).toBe(JSON.stringify({ index }))
      expect(message.properties).toEqual(new Map([['half & half', `50% = ${index}`]]))
      expect(message.system).toEqual({
        messageId: `message ${index}`,
        correlationId: 'a/b',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
      })
    })
  })

  test('waits for its acknowledgement until the hub says durable', async () => {
    const client = await deviceClient()
    await client.open()
    let store: (() => void) | undefined
    host.durable = () => new Promise(resolve => (store = () => resolve([])))
    let acknowledged = false
    const sent = client.sendEvent(new sdk.Message('x')).then(() => (acknowledged = true))
    await host.until(() => store)
    // The twin's answer comes after anything the hub sent before it.
    await client.getTwin()
    expect(acknowledged).toBe(false)
    store?.()
    await sent
    expect(host.taken).toMatchObject([{ sender: 'press-7', properties: NO_PROPERTIES }])
  })

  test('gets its twin, reports, and hears of desired properties', async () => {
    host.twin = {
      desired: { properties: { interval: 5 }, version: 7 },
      reported: { properties: { state: 'on' }, version: 3 },
    }
    const client = await deviceClient()
    await client.open()
    const twin = await client.getTwin()
    expect(twin.properties.desired).toMatchObject({ interval: 5, $version: 7 })
    await new Promise<void>((resolve, reject) =>
      twin.properties.reported.update({ state: 'off' }, (error: Error | undefined) =>
        error ? reject(error) : resolve(),
      ),
    )
    expect(host.session('press-7').reported).toEqual([{ state: 'off' }])
    const changed = new Promise(resolve => {
      twin.on('properties.desired', patch => patch.interval === 9 && resolve(patch))
    })
    await host.until(() => host.session('press-7').subscriptions.has('desired'))
    host.session('press-7').peer.desired({ patch: { interval: 9, gone: null }, version: 8 })
    expect(await changed).toEqual({ interval: 9, gone: null, $version: 8 })
  })

  test('answers methods', async () => {
    const client = await deviceClient()
    await client.open()
    client.onDeviceMethod('reboot', (request, response) => response.send(202, { got: request.payload }))
    await host.until(() => host.session('press-7').subscriptions.has('methods'))
    const request = { name: 'reboot', payload: { in: 5 }, responseTimeout: 5_000, connectTimeout: 0 }
    const answer = await host.session('press-7').peer.method(request, AbortSignal.timeout(5_000))
    expect(answer).toEqual({ status: 202, payload: { got: { in: 5 } } })
  })

  test('completes a cloud-to-device message', async () => {
    const client = await deviceClient()
    await client.open()
    const received = new Promise<DeviceMessage>(resolve => {
      client.on('message', message => {
        client.complete(message)
        resolve(message)
      })
    })
    await host.until(() => host.session('press-7').subscriptions.has('commands'))
    const settled = new Promise(resolve => {
      host.session('press-7').peer.deliver([
        {
          message: {
            body: Buffer.from('open the door'),
            properties: new Map([['urgency', 'high']]),
            system: { messageId: 'c-1', to: '/devices/press-7/messages/deviceBound' },
          },
          redelivered: false,
          settle: resolve,
        },
      ])
    })
    const message = await received
    expect(message.data.toString()).toBe('open the door')
    expect(message.messageId).toBe('c-1')
    expect(message.properties.getValue('urgency')).toBe('high')
    expect(await settled).toBe('completed')
  })

  test('is let go with a bad key, and told no more than that', async () => {
    const client = await deviceClient(Buffer.from('wrong').toString('base64'))
    await expect(client.open()).rejects.toMatchObject({ name: 'UnauthorizedError' })
    expect(log).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'mqtt client refused',
        fields: expect.objectContaining({ client: 'press-7', reason: expect.stringContaining('wrong-signature') }),
      }),
    )
  })
})

describe('a module of the Node SDK over MQTT', () => {
  test('sends on an output and receives on an input', async () => {
    const client = await moduleClient()
    await client.open()
    await client.sendOutputEvent('hot', new sdk.Message('31'))
    expect(host.taken).toMatchObject([{ sender: 'gateway/filter', system: { outputName: 'hot' } }])
    const received = new Promise<[string, DeviceMessage]>(resolve => {
      client.on('inputMessage', (input, message) => {
        client.complete(message)
        resolve([input, message])
      })
    })
    await host.until(() => host.session('gateway/filter').subscriptions.has('inputs'))
    const settled = new Promise(resolve => {
      host.session('gateway/filter').peer.deliver([
        {
          message: {
            body: Buffer.from('32'),
            properties: new Map(),
            system: { connectionDeviceId: 'gateway', connectionModuleId: 'sensor', contentType: 'text/plain' },
          },
          input: 'readings',
          redelivered: false,
          settle: resolve,
        },
      ])
    })
    const [input, message] = await received
    expect(input).toBe('readings')
    expect(message.data.toString()).toBe('32')
    expect(message.contentType).toBe('text/plain')
    expect(await settled).toBe('completed')
  })
})

test('a disconnect ends the session, and subscriptions are there again at the next one', async () => {
  const client = await deviceClient()
  await client.open()
  client.onDeviceMethod('m', (_request, response) => response.send(200))
  await host.until(() => host.session('press-7').subscriptions.has('methods'))
  await client.close()
  await host.until(() => host.ends.length === 1)
  expect(host.ends).toEqual([{ client: 'press-7', end: { kind: 'client-left' } }])
  const again = await deviceClient()
  await again.open()
  expect(host.session('press-7').subscriptions).toContain('methods')
})
