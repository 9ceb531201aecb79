import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import rhea, { type Connection, type Message } from 'rhea'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { amqp, createGateway, type Gateway, iotHub, mqtt } from '../../src/index.js'
import { EDGE, startCloud, type TestCloud } from '../cloud.js'
import { AWKWARD, PROPERTY_ROWS, type PropertyRow } from './property-table.js'
import { amqpModule, collectAmqp, moduleLogin, mqttModule, sendAmqp, type WireLogin } from '../wire-clients.js'

const SOURCES = ['mqtt', 'amqp'] as const
type Source = (typeof SOURCES)[number]

/** What arrived on each way out, by body. */
const atMqtt = new Map<string, ReadonlyMap<string, string>>()
const atAmqp = new Map<string, Message>()

let cloud: TestCloud
let gateway: Gateway
let dataDir: string
let clients: { readonly mqtt: MqttClient; readonly amqp: Connection; readonly sinks: readonly [MqttClient, Connection] }

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-properties-'))
  cloud = await startCloud()
  const to = (sink: string) => `INTO BrokeredEndpoint("/modules/${sink}/inputs/in")`
  gateway = createGateway({
    dataDir,
    upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
    listen: [mqtt({ address: '127.0.0.1', port: 0 }), amqp({ address: '127.0.0.1', port: 0 })],
    routes: {
      mqtt: `FROM /messages/* ${to('mqtt-sink')}`,
      amqp: `FROM /messages/* ${to('amqp-sink')}`,
      cloud: 'FROM /messages/* INTO $upstream',
    },
  })
  await gateway.start()
  const sinks = [await mqttModule(login('mqtt-sink', 0)), await amqpModule(login('amqp-sink', 1))] as const
  sinks[0].on('message', (topic, body) => atMqtt.set(body.toString(), bagOf(topic)))
  await sinks[0].subscribeAsync(`devices/${EDGE}/modules/mqtt-sink/inputs/#`, { qos: 1 })
  await collectAmqp(sinks[1], `/devices/${EDGE}/modules/amqp-sink/messages/events`, atAmqp)
  clients = { mqtt: await mqttModule(login('mqtt-source', 0)), amqp: await amqpModule(login('amqp-source', 1)), sinks }
})

afterAll(async () => {
  await Promise.all([clients.mqtt.endAsync(true), clients.sinks[0].endAsync(true)])
  for (const connection of [clients.amqp, clients.sinks[1]]) connection.close()
  await gateway.stop()
  await cloud[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})

describe.each(SOURCES)('what a client says over %s', source => {
  it.each(PROPERTY_ROWS)('as $property is the same for a client of MQTT, of AMQP, and in the cloud', async row => {
    const { value = AWKWARD, direction } = row
    const body = `${source} ${row.property}`
    if (source === 'mqtt') await publish(`${encodeURIComponent(row.mqtt)}=${encodeURIComponent(value)}`, body)
    else await send({ body, ...amqpField(row, value) })

    const told = { in: undefined, stamp: stamps(source)[row.property as 'connectionDeviceId'], both: value }
    const expected = told[direction ?? 'both']
    const { bag, message, event } = await arrived(body)
    expect(bag.get(row.mqtt)).toBe(expected)
    expect(fieldOf(message, row)).toBe(expected)
    expect(event.message.system[row.property]).toBe(direction === 'stamp' ? expected : value)
    for (const [property, stamp] of Object.entries(stamps(source))) {
      expect(event.message.system).toMatchObject({ [property]: stamp })
    }
  })

  it('as a property of its own is the same everywhere, empty or without a value or not', async () => {
    const body = `${source} own`
    const own = { [AWKWARD]: AWKWARD, empty: '', none: null }
    if (source === 'mqtt') {
      await publish(`${encodeURIComponent(AWKWARD)}=${encodeURIComponent(AWKWARD)}&empty=&none`, body)
    } else await send({ body, application_properties: own })
    const { bag, message, event } = await arrived(body)
    // Towards MQTT clients a name never stands alone, because the Java SDK throws on it.
    expect(Object.fromEntries(bag)).toMatchObject({ ...own, none: '' })
    expect(message.application_properties).toMatchObject(own)
    expect(Object.fromEntries(event.message.properties)).toMatchObject(own)
  })
})

it('a UUID as id of a message is text from here on, whichever type it had', async () => {
  const uuid = '0123abcd-0123-4abc-8def-0123456789ab'
  await send({ body: 'uuid', message_id: rhea.string_to_uuid(uuid) as never })
  const { bag, message, event } = await arrived('uuid')
  expect([bag.get('$.mid'), message.message_id, event.message.system.messageId]).toEqual([uuid, uuid, uuid])
})

it('properties that are no text become what an MQTT client would have sent', async () => {
  await send({
    body: 'typed',
    application_properties: { number: 1.5, truth: true, symbol: rhea.types.wrap_symbol('s') },
  })
  const { bag, message, event } = await arrived('typed')
  const text = { number: '1.5', truth: 'true', symbol: 's' }
  expect(Object.fromEntries(bag)).toMatchObject(text)
  expect(message.application_properties).toMatchObject(text)
  expect(Object.fromEntries(event.message.properties)).toMatchObject(text)
})

it('a wish for feedback by its short name is one by its long name from here on', async () => {
  await publish('ack=full', 'short')
  const { bag, message, event } = await arrived('short')
  expect(bag.get('iothub-ack')).toBe('full')
  expect(message.application_properties).toEqual({ 'iothub-ack': 'full' })
  expect(event.message.system.ack).toBe('full')
})

it('a retained message says so everywhere', async () => {
  await publish('', 'retained', true)
  const { bag, message, event } = await arrived('retained')
  expect(bag.get('mqtt-retain')).toBe('true')
  expect(message.application_properties).toEqual({ 'mqtt-retain': 'true' })
  expect(event.message.properties).toEqual(new Map([['mqtt-retain', 'true']]))
})

function login(moduleId: string, listener: number): WireLogin {
  return moduleLogin(cloud, moduleId, { port: gateway.addresses[listener]!.port, ca: gateway.trustBundle })
}

function stamps(source: Source) {
  return { connectionDeviceId: EDGE, connectionModuleId: `${source}-source` }
}

function publish(bag: string, body: string, retain = false): Promise<unknown> {
  const topic = `devices/${EDGE}/modules/mqtt-source/messages/events/${bag}`
  return clients.mqtt.publishAsync(topic, body, { qos: 1, retain })
}

function send({ body, ...message }: Omit<Message, 'body'> & { readonly body: string }): Promise<void> {
  const address = `/devices/${EDGE}/modules/amqp-source/messages/events`
  return sendAmqp(clients.amqp, address, { ...message, body: rhea.message.data_section(Buffer.from(body)) } as Message)
}

/** What arrived with a body, on all three ways. */
async function arrived(body: string) {
  const where = ({ message }: { message: { body: Uint8Array } }) => Buffer.from(message.body).toString() === body
  const [event] = await cloud.emulator.events.until(1, { where })
  await vi.waitUntil(() => atMqtt.has(body) && atAmqp.has(body), { timeout: 15_000 })
  return { bag: atMqtt.get(body)!, message: atAmqp.get(body)!, event: event! }
}

/** The properties in a topic, read here anew: not by the codec that is tried. */
function bagOf(topic: string): ReadonlyMap<string, string> {
  const bag = topic.slice(topic.lastIndexOf('/') + 1)
  const pairs = bag.split('&').map(pair => pair.split('=').map(decodeURIComponent) as [string, string])
  return new Map(pairs)
}

function amqpField({ amqp }: PropertyRow, value: string): Partial<Message> {
  if (amqp.section !== 'properties') return { [amqp.section]: { [amqp.name]: value } }
  return { [amqp.name]: amqp.name === 'absolute_expiry_time' ? new Date(value) : value }
}

function fieldOf(message: Message, { amqp }: PropertyRow): string | undefined {
  const value: unknown = amqp.section === 'properties' ? message[amqp.name] : message[amqp.section]?.[amqp.name]
  if (value instanceof Date) return value.toISOString()
  return value === undefined ? undefined : String(value)
}
