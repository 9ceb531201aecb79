import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EdgewrightError, type Store } from '@edgewright/core'
import { AMQP_BATCH_FORMAT, encodeAmqpBatch, encodeAmqpMessage } from '@edgewright/protocol'
import rhea, { type Delivery, type EventContext } from 'rhea'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { amqp, createGateway, type Gateway, https, iotHub, memoryStore, mqtt } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'
import { amqpModule, moduleLogin, mqttModule } from './wire-clients.js'

/** The most that a message may weigh. Source: wire reference, section 2.3. */
const LIMIT = 262_144

/** What a message of so many bytes is made of, and how the sum comes about. */
const SHAPES = {
  'a body': (bytes: number) => ({ body: bytes, properties: {} }),
  'a body, and a name and a value': (bytes: number) => ({ body: bytes - 8, properties: { name: 'v'.repeat(4) } }),
  'a body, and text of more than one byte a letter': (bytes: number) => ({
    body: bytes - 5,
    properties: { n: '✓x' },
  }),
  'a body and a system property': (bytes: number) => ({ body: bytes - 3, properties: {}, messageId: 'abc' }),
}

type Sample = { body: number; properties: Record<string, string>; messageId?: string }

const TRANSPORTS = ['mqtt', 'mqtt-ws', 'amqp', 'amqp-ws'] as const

let cloud: TestCloud
let gateway: Gateway
let dataDir: string
/** What the store answers with instead of writing. */
let refusal: EdgewrightError | Error | undefined

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-limits-'))
  cloud = await startCloud()
  const listen = { address: '127.0.0.1', port: 0 }
  gateway = createGateway({
    dataDir,
    store: context => refusing(memoryStore()(context)),
    upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
    listen: [mqtt(listen), amqp(listen), https(listen)],
    // Nobody takes them from there, so that they can be counted.
    routes: { all: 'FROM /messages/* INTO BrokeredEndpoint("/modules/nobody/inputs/in")' },
  })
  await gateway.start()
})

afterEach(() => {
  refusal = undefined
})

afterAll(async () => {
  await gateway.stop()
  await cloud[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})

describe.each(TRANSPORTS)('over %s', transport => {
  it.each(Object.entries(SHAPES))(
    '%s of 262,144 bytes in all is taken, and of one more refused',
    async (_name, shape) => {
      const before = stored()
      expect(await send(shape(LIMIT))).toBe('acknowledged')
      expect(stored()).toBe(before + 1)
      expect(await send(shape(LIMIT + 1))).toBe(
        transport.startsWith('mqtt') ? 'closed' : 'amqp:link:message-size-exceeded',
      )
      expect(stored()).toBe(before + 1)
    },
  )

  it.each([
    ['full', new EdgewrightError('STORE_FULL', 'full'), 'com.microsoft:device-container-throttled'],
    ['broken', new Error('input/output error'), 'amqp:internal-error'],
  ])('nothing is acknowledged that a store did not take which is %s', async (_state, error, condition) => {
    const before = stored()
    refusal = error
    expect(await send({ body: 10, properties: {} })).toBe(transport.startsWith('mqtt') ? 'closed' : condition)
    refusal = undefined
    expect(stored()).toBe(before)
    expect(await send({ body: 10, properties: {} })).toBe('acknowledged')
    expect(stored()).toBe(before + 1)
  })

  /** What comes of a message: `acknowledged`, `closed`, or the condition it is rejected with. */
  async function send(sample: Sample): Promise<string> {
    const listener = transport.endsWith('-ws') ? 2 : transport === 'mqtt' ? 0 : 1
    const login = moduleLogin(cloud, transport, {
      port: gateway.addresses[listener]!.port,
      ca: gateway.trustBundle,
      webSocket: transport.endsWith('-ws'),
    })
    return transport.startsWith('mqtt') ? sendMqtt(login, sample) : sendAmqp(login, sample)
  }
})

it('a message that is small but for its id is refused for it', async () => {
  const before = stored()
  const listener = { port: gateway.addresses[1]!.port, ca: gateway.trustBundle }
  for (const [bytes, came] of [
    [LIMIT, 'acknowledged'],
    [LIMIT + 1, 'amqp:link:message-size-exceeded'],
  ] as const) {
    const sample = { body: 0, properties: {}, messageId: 'i'.repeat(bytes) }
    expect(await sendAmqp(moduleLogin(cloud, `id-${bytes}`, listener), sample)).toBe(came)
  }
  expect(stored()).toBe(before + 1)
})

it('a batch of which one message is too large is rejected whole', async () => {
  const before = stored()
  const batch = encodeAmqpBatch([1, LIMIT + 1, 1].map(bytes => encodeAmqpMessage({ body: Buffer.alloc(bytes) })))
  const port = gateway.addresses[1]!.port
  const connection = await amqpModule(moduleLogin(cloud, 'batch', { port, ca: gateway.trustBundle }))
  const sender = connection.open_sender(`/devices/${EDGE}/modules/batch/messages/events`)
  const outcome = new Promise(resolve => {
    sender.once('sendable', () => sender.send(batch as never, undefined as never, AMQP_BATCH_FORMAT))
    sender.once('accepted', () => resolve('accepted'))
    sender.once('rejected', ({ delivery }: EventContext) => resolve(conditionOf(delivery!)))
  })
  expect(await outcome).toBe('amqp:link:message-size-exceeded')
  expect(stored()).toBe(before)
  connection.close()
})

async function sendMqtt(
  login: ReturnType<typeof moduleLogin>,
  { body, properties, messageId }: Sample,
): Promise<string> {
  const client = await mqttModule(login)
  client.on('error', () => undefined)
  const bag = Object.entries({ ...properties, ...(messageId === undefined ? {} : { '$.mid': messageId }) })
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
  const { deviceId, moduleId } = login.identity
  const topic = `devices/${deviceId}/modules/${moduleId}/messages/events/${bag}`
  const closed = new Promise<string>(resolve => client.once('close', () => resolve('closed')))
  const sent = client.publishAsync(topic, Buffer.alloc(body), { qos: 1 }).then(() => 'acknowledged')
  sent.catch(() => undefined)
  const came = await Promise.race([sent, closed])
  await client.endAsync(true)
  return came
}

async function sendAmqp(
  login: ReturnType<typeof moduleLogin>,
  { body, properties, messageId }: Sample,
): Promise<string> {
  const connection = await amqpModule(login)
  const { deviceId, moduleId } = login.identity
  const sender = connection.open_sender(`/devices/${deviceId}/modules/${moduleId}/messages/events`)
  const data = rhea.message.data_section(Buffer.alloc(body)) as never
  const came = await new Promise<string>(resolve => {
    sender.once('sendable', () =>
      sender.send({ body: data, application_properties: properties, message_id: messageId }),
    )
    sender.once('accepted', () => resolve('acknowledged'))
    sender.once('rejected', ({ delivery }: EventContext) => resolve(conditionOf(delivery!)))
  })
  connection.close()
  return came
}

function conditionOf(delivery: Delivery): string {
  return (delivery.remote_state as { error?: { condition: string } }).error?.condition ?? 'no error'
}

function stored(): number {
  return gateway.hub.endpoints().find(({ endpoint }) => endpoint === 'input/nobody/in')?.waiting ?? 0
}

/** The store, but refusing messages when told to. */
function refusing<S extends Store>(store: S): S {
  const write = store.write.bind(store)
  store.write = change => (refusal !== undefined && change.append ? Promise.reject(refusal) : write(change))
  return store
}
