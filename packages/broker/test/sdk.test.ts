import type { Identity, LogFields, Message as HubMessage } from '@edgewright/core'
import { testCertificates } from '@edgewright/testkit'
import type { Client as DeviceClient, Message as DeviceMessage, ModuleClient } from 'azure-iot-device'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AmqpFrontEnd, HttpsFrontEnd, MqttFrontEnd } from '../src/index.js'
import { MemoryHost } from './memory-host.js'
import { deviceClient, mayListen, Message, moduleClient, type TransportName } from './sdk.js'

/** The SDK's WebSockets know no port but 443, so these listeners have an address of their own. */
const WEB_SOCKET_ADDRESS = '127.0.71.1'
const mayUse443 = await mayListen(WEB_SOCKET_ADDRESS, 443)
const NO_443 = 'this process may not listen on port 443'

/** What a transport does otherwise than the others, because its protocol makes it so. */
const TRANSPORTS: Record<
  TransportName,
  { readonly hasRejectAndAbandon: boolean; readonly keepsSubscriptions: boolean }
> = {
  mqtt: { hasRejectAndAbandon: false, keepsSubscriptions: true },
  'mqtt-ws': { hasRejectAndAbandon: false, keepsSubscriptions: true },
  amqp: { hasRejectAndAbandon: true, keepsSubscriptions: false },
  'amqp-ws': { hasRejectAndAbandon: true, keepsSubscriptions: false },
}

const { ca, cert, key } = testCertificates({ ipAddresses: ['127.0.0.1', WEB_SOCKET_ADDRESS] })
const device: Identity = { deviceId: 'press-7' }
const module: Identity = { deviceId: 'gateway', moduleId: 'filter' }

let host: MemoryHost
let frontEnd: MqttFrontEnd | AmqpFrontEnd | HttpsFrontEnd
let reasons: unknown[]
let clients: (DeviceClient | ModuleClient)[]

function makeFrontEnd(transport: TransportName) {
  const isWebSocket = transport.endsWith('-ws')
  const options = {
    host,
    listen: isWebSocket ? { address: WEB_SOCKET_ADDRESS, port: 443 } : { address: '127.0.0.1', port: 0 },
    tls: { certificate: cert, key },
    logger: { log: (_level: string, _message: string, fields?: LogFields) => void reasons.push(fields?.reason) },
  }
  if (isWebSocket) return new HttpsFrontEnd(options)
  return transport === 'amqp' ? new AmqpFrontEnd(options) : new MqttFrontEnd(options)
}

function gateway(transport: TransportName): string {
  const { address, port } = frontEnd.address()
  return transport.endsWith('-ws') ? address : `${address}:${port}`
}

async function openDevice(transport: TransportName, sharedAccessKey?: string): Promise<DeviceClient> {
  const options = { transport, ca, gateway: gateway(transport) }
  const client = await deviceClient(
    device,
    sharedAccessKey === undefined ? options : { ...options, key: sharedAccessKey },
  )
  clients.push(client)
  await client.open()
  return client
}

async function openModule(transport: TransportName): Promise<ModuleClient> {
  const client = await moduleClient(module, { transport, ca, gateway: gateway(transport) })
  clients.push(client)
  await client.open()
  return client
}

/** Resolves with how a client settled a delivery. */
function deliver(client: string, message: Partial<HubMessage>, input?: string): Promise<string> {
  return new Promise(resolve => {
    host.session(client).peer.deliver([
      {
        message: { body: Buffer.alloc(0), properties: new Map(), system: {}, ...message },
        input,
        redelivered: false,
        settle: resolve,
      },
    ])
  })
}

describe.each(Object.keys(TRANSPORTS) as TransportName[])('the Node SDK over %s', transport => {
  const { hasRejectAndAbandon, keepsSubscriptions } = TRANSPORTS[transport]

  beforeEach(async context => {
    context.skip(transport.endsWith('-ws') && !mayUse443, NO_443)
    host = new MemoryHost([device, module])
    reasons = []
    clients = []
    frontEnd = makeFrontEnd(transport)
    await frontEnd.start()
  })

  afterEach(async () => {
    await Promise.all(clients.map(client => client.close().catch(() => undefined)))
    await frontEnd.stop()
  })

  test('sends a thousand messages with all their properties, each acknowledged once it is durable', async () => {
    const client = await openDevice(transport)
    const sent = Array.from({ length: 1_000 }, (_, index) => {
      const message: DeviceMessage = new Message(JSON.stringify({ index }))
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
      expect(message.system).toMatchObject({
        messageId: `message ${index}`,
        correlationId: 'a/b',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
      })
    })
  })

  test('waits for its acknowledgement until the hub says durable', async () => {
    const client = await openDevice(transport)
    await client.getTwin()
    let store: (() => void) | undefined
    host.durable = () =>
      new Promise(resolve => {
        store = () => resolve([])
      })
    let acknowledged = false
    const sent = client.sendEvent(new Message('x')).then(() => (acknowledged = true))
    await host.until(() => store)
    // The twin's answer comes after anything the gateway sent before it.
    await (await client.getTwin()).get()
    expect(acknowledged).toBe(false)
    store?.()
    await sent
    expect(host.taken).toMatchObject([{ sender: 'press-7' }])
  })

  test('is told when a message is not taken', async () => {
    const client = await openDevice(transport)
    host.durable = async () => {
      throw new Error('disk is gone')
    }
    await expect(client.sendEvent(new Message('x'))).rejects.toThrow()
    expect(host.taken).toEqual([])
  })

  test('gets its twin, reports, and hears of desired properties', async () => {
    host.twin = {
      desired: { properties: { interval: 5 }, version: 7 },
      reported: { properties: { state: 'on' }, version: 3 },
    }
    const client = await openDevice(transport)
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

  test('is told when a report is refused', async () => {
    const client = await openDevice(transport)
    const twin = await client.getTwin()
    host.session('press-7').report = async () => {
      throw new Error('not now')
    }
    const reported = new Promise((resolve, reject) =>
      twin.properties.reported.update({ a: 1 }, (error: Error | undefined) => (error ? reject(error) : resolve(0))),
    )
    await expect(reported).rejects.toThrow()
  })

  test('answers methods', async () => {
    const client = await openDevice(transport)
    client.onDeviceMethod('reboot', (request, response) => response.send(202, { got: request.payload }))
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('methods'))
    const request = { name: 'reboot', payload: { in: 5 }, responseTimeout: 5_000, connectTimeout: 0 }
    const answer = await host.session('press-7').peer.method(request, AbortSignal.timeout(5_000))
    expect(answer).toEqual({ status: 202, payload: { got: { in: 5 } } })
  })

  test('settles cloud-to-device messages', async () => {
    const client = await openDevice(transport)
    const received: DeviceMessage[] = []
    client.on('message', message => {
      received.push(message)
      const wish = message.properties.getValue('wish')
      if (wish === 'reject') client.reject(message, () => undefined)
      else if (wish === 'abandon') client.abandon(message, () => undefined)
      else client.complete(message, () => undefined)
    })
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    const properties = new Map([['urgency', 'high']])
    const command = { body: Buffer.from('open the door'), properties, system: { messageId: 'c-1' } }
    expect(await deliver('press-7', command)).toBe('completed')
    expect(received[0]?.data.toString()).toBe('open the door')
    expect(received[0]?.messageId).toBe('c-1')
    expect(received[0]?.properties.getValue('urgency')).toBe('high')
    if (!hasRejectAndAbandon) return
    expect(await deliver('press-7', { properties: new Map([['wish', 'reject']]) })).toBe('rejected')
    expect(await deliver('press-7', { properties: new Map([['wish', 'abandon']]) })).toBe('abandoned')
  })

  test('sends on an output and receives on an input', async () => {
    const client = await openModule(transport)
    await client.sendOutputEvent('hot', new Message('31'))
    expect(host.taken).toMatchObject([{ sender: 'gateway/filter', system: { outputName: 'hot' } }])
    const received = new Promise<[string, DeviceMessage]>(resolve => {
      client.on('inputMessage', (input, message) => {
        client.complete(message, () => undefined)
        resolve([input, message])
      })
    })
    await host.until(() => host.session('gateway/filter').subscriptions.has('inputs'))
    const system = { connectionDeviceId: 'gateway', connectionModuleId: 'sensor', contentType: 'text/plain' }
    const settled = deliver('gateway/filter', { body: Buffer.from('32'), system }, 'readings')
    const [input, message] = await received
    expect(input).toBe('readings')
    expect(message.data.toString()).toBe('32')
    expect(message.contentType).toBe('text/plain')
    expect(await settled).toBe('completed')
  })

  test('is let go with a bad key, and told no more than that', async () => {
    const wrong = Buffer.from('wrong').toString('base64')
    await expect(openDevice(transport, wrong)).rejects.toMatchObject({ name: 'UnauthorizedError' })
    expect(reasons).toContainEqual(expect.stringContaining('wrong-signature'))
  })

  test('is taken over by a newer connection', async () => {
    const older = await openDevice(transport)
    await older.sendEvent(new Message('1'))
    const lost = new Promise(resolve => older.once('disconnect', resolve))
    const newer = await openDevice(transport)
    await newer.sendEvent(new Message('2'))
    await lost
    expect(host.ends).toEqual([{ client: 'press-7', end: { kind: 'taken-over' } }])
  })

  test('ends its session when it takes its leave', async () => {
    const client = await openDevice(transport)
    client.onDeviceMethod('m', (_request, response) => response.send(200))
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('methods'))
    await client.close()
    await host.until(() => host.ends.length === 1)
    expect(host.ends).toEqual([{ client: 'press-7', end: { kind: 'client-left' } }])
    const again = await openDevice(transport)
    await again.sendEvent(new Message('x'))
    expect(host.session('press-7').subscriptions.has('methods')).toBe(keepsSubscriptions)
  })
})

test('the Node SDK lets a module call a method of a device', async context => {
  context.skip(!mayUse443, NO_443)
  host = new MemoryHost([module])
  const calls: unknown[] = []
  const https = new HttpsFrontEnd({
    host,
    listen: { address: WEB_SOCKET_ADDRESS, port: 443 },
    tls: { certificate: cert, key },
    invoker: {
      async invokeMethod(caller, target, { name, payload, responseTimeout, connectTimeout }) {
        calls.push({ caller, target, name, payload, responseTimeout, connectTimeout })
        return { status: 207, payload: { done: true } }
      },
    },
  })
  await https.start()
  const client = await moduleClient(module, { transport: 'mqtt-ws', ca, gateway: WEB_SOCKET_ADDRESS })
  await client.open()
  const parameters = { methodName: 'go', payload: { a: 1 }, responseTimeoutInSeconds: 20, connectTimeoutInSeconds: 3 }
  const answer = await client.invokeMethod('press-7', parameters)
  expect(answer).toEqual({ status: 207, payload: { done: true } })
  expect(calls).toEqual([
    {
      caller: module,
      target: device,
      name: 'go',
      payload: { a: 1 },
      responseTimeout: 20_000,
      connectTimeout: 3_000,
    },
  ])
  await client.close()
  await https.stop()
})
