import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMessage } from '@edgewright/core'
import { NoRetry } from 'azure-iot-common'
import { Client, Message, ModuleClient, type Twin } from 'azure-iot-device'
import { Amqp, AmqpWs } from 'azure-iot-device-amqp'
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { amqp, createGateway, type Gateway, https, iotHub, mqtt } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'

/** The Azure SDK finds WebSockets on port 443 only, so gateway and cloud have loopback addresses of their own. */
const ADDRESS = '127.4.1.1'
const CLOUD_ADDRESS = '127.4.1.2'
const TRANSPORTS = { mqtt: Mqtt, 'mqtt by WebSocket': MqttWs, amqp: Amqp, 'amqp by WebSocket': AmqpWs } as const
const LABELS = Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[]

let cloud: TestCloud
let gateway: Gateway
let dataDir: string
let mayBind = true

beforeAll(async () => {
  mayBind = await canBind(443)
  if (!mayBind) return
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-acceptance-'))
  cloud = await startCloud(CLOUD_ADDRESS)
  gateway = createGateway({
    dataDir,
    hostname: ADDRESS,
    upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
    listen: [mqtt({ address: ADDRESS }), amqp({ address: ADDRESS }), https({ address: ADDRESS })],
    routes: {
      modules: 'FROM /messages/modules/source/outputs/out INTO BrokeredEndpoint("/modules/sink/inputs/in")',
      rest: 'FROM /messages/* INTO $upstream',
    },
  })
  await gateway.start()
})

afterAll(async () => {
  await gateway?.stop()
  await cloud?.[Symbol.asyncDispose]()
  if (dataDir !== undefined) await rm(dataDir, { recursive: true })
})

const WAYS = ['through the gateway', 'straight to the emulator'] as const
const CASES = WAYS.flatMap(way => LABELS.map(label => [way, label] as const))

// The same expectations whichever way a client goes: what differs is named in the test that it concerns.
describe.each(CASES)('an unmodified Azure client %s over %s', (way, label) => {
  const transport = TRANSPORTS[label]
  const isDirect = way === 'straight to the emulator'
  const id = `${isDirect ? 'direct-' : ''}${label.replaceAll(' ', '-')}`

  it('sends telemetry with all its properties', async context => {
    requirePort(context)
    const client = await openDevice(`${id}-telemetry`)
    for (let number = 0; number < 20; number++) {
      const message = new Message(JSON.stringify({ number }))
      message.messageId = `m-${number}`
      message.contentType = 'application/json'
      message.contentEncoding = 'utf-8'
      message.properties.add('number', String(number))
      await client.sendEvent(message)
    }
    const where = ({ sender }: { sender: { deviceId: string } }) => sender.deviceId === `${id}-telemetry`
    const events = await cloud.emulator.events.until(20, { where })
    await client.close()
    expect(events.map(({ message }) => message.properties.get('number'))).toEqual(
      Array.from({ length: 20 }, (_, number) => String(number)),
    )
    expect(events[7]!.message.system).toMatchObject({ messageId: 'm-7', contentType: 'application/json' })
  })

  it('reads its twin, reports and is told what is desired', async context => {
    requirePort(context)
    const deviceId = `${id}-twin`
    const client = await openDevice(deviceId)
    const twin: Twin = await client.getTwin()
    const desired = new Promise(resolve => twin.on('properties.desired.pace', resolve))
    await report(twin, { seen: label })
    await cloud.emulator.twins.until({ deviceId }, ({ reported }) => reported.properties.seen === label)
    cloud.emulator.twins.change({ deviceId }, { desired: { pace: 5 } }, 'merge')
    await expect(desired).resolves.toBe(5)
    await client.close()
  })

  it('answers direct methods', async context => {
    requirePort(context)
    const deviceId = `${id}-method`
    const client = await openDevice(deviceId)
    client.onDeviceMethod('add', (request, response) => {
      const { a, b } = request.payload
      response.send(200, { sum: a + b }, () => undefined)
    })
    const call = { name: 'add', payload: { a: 2, b: 3 }, responseTimeout: 10_000, connectTimeout: 10_000 }
    await expect(cloud.emulator.methods.invoke({ deviceId }, call)).resolves.toEqual({
      status: 200,
      payload: { sum: 5 },
    })
    await client.close()
  })

  it('receives what the cloud sends it, and settles it', async context => {
    requirePort(context)
    const deviceId = `${id}-command`
    const client = await openDevice(deviceId)
    const received = new Promise<Message>(resolve => client.on('message', resolve))
    cloud.emulator.commands.send({ deviceId }, createMessage({ body: 'turn', properties: { way: 'left' } }))
    const message = await received
    expect(message.data.toString()).toBe('turn')
    expect(message.properties.getValue('way')).toBe('left')
    await client.complete(message)
    await expect.poll(() => cloud.emulator.commands.count({ deviceId })).toBe(0)
    await client.close()
  })

  it('is refused with a key that is not its own', async context => {
    requirePort(context)
    const connectionString = cloud.device(`${id}-forger`, isDirect ? undefined : ADDRESS)
    const forged = connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=c2VjcmV0')
    const client = Client.fromConnectionString(forged, transport)
    client.setRetryPolicy(new NoRetry())
    await client.setOptions({ ca: isDirect ? cloud.ca : gateway.trustBundle })
    await expect(client.open()).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })

  // A hub in the cloud has no module inputs: outputs of modules are telemetry there.
  const itThroughGateway = isDirect ? () => undefined : it
  itThroughGateway('brings an output to an input', async (context: { skip(reason: string): void }) => {
    requirePort(context)
    const [source, sink] = await Promise.all([openModule('source'), openModule('sink')])
    const received = new Promise<[string, Message]>(resolve => {
      sink.on('inputMessage', (input, message) => {
        sink.complete(message, () => undefined)
        resolve([input, message])
      })
    })
    await source.sendOutputEvent('out', new Message(label))
    const [input, message] = await received
    expect(input).toBe('in')
    expect(message.data.toString()).toBe(label)
    await Promise.all([source.close(), sink.close()])
    await expect.poll(() => waitingFor('input/sink/in')).toBe(0)
  })

  async function openDevice(deviceId: string): Promise<Client> {
    const client = Client.fromConnectionString(cloud.device(deviceId, isDirect ? undefined : ADDRESS), transport)
    client.setRetryPolicy(new NoRetry())
    await client.setOptions({ ca: isDirect ? cloud.ca : gateway.trustBundle })
    await client.open()
    return client
  }

  async function openModule(moduleId: string): Promise<ModuleClient> {
    const known = cloud.emulator.registry.find({ deviceId: EDGE, moduleId }) !== undefined
    const connectionString = known
      ? `${cloud.emulator.moduleConnectionString(EDGE, moduleId)};GatewayHostName=${ADDRESS}`
      : cloud.module(moduleId, ADDRESS)
    const client = ModuleClient.fromConnectionString(connectionString, transport)
    client.setRetryPolicy(new NoRetry())
    await client.setOptions({ ca: gateway.trustBundle })
    await client.open()
    return client
  }
})

function waitingFor(endpoint: string): number {
  return gateway.hub.endpoints().find(state => state.endpoint === endpoint)?.waiting ?? 0
}

function report(twin: Twin, patch: object): Promise<void> {
  return new Promise((resolve, reject) => {
    twin.properties.reported.update(patch, (error: Error | undefined) => (error ? reject(error) : resolve()))
  })
}

function requirePort(context: { skip(reason: string): void }): void {
  if (!mayBind) context.skip('port 443 may not be bound by this user')
}

async function canBind(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, ADDRESS)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
