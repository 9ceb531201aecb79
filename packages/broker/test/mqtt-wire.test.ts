import { EdgewrightError, type LogFields, type Message, type SendRefusal } from '@edgewright/core'
import { type VirtualClock, virtualClock } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MQTT_LIMITS, MqttFrontEnd, type MqttFrontEndOptions } from '../src/index.js'
import { MemoryHost } from './memory-host.js'
import { connectPacket, RawMqttClient, telemetry } from './raw-mqtt-client.js'

const DEVICE = 'press-7'
const MODULE = 'gateway/filter'

let clock: VirtualClock
let host: MemoryHost
let frontEnd: MqttFrontEnd
let reasons: unknown[]
let clients: RawMqttClient[]

async function start(options: Partial<MqttFrontEndOptions> = {}): Promise<void> {
  frontEnd = new MqttFrontEnd({
    host,
    clock,
    listen: { address: '127.0.0.1', port: 0 },
    tls: 'none',
    logger: { log: (_level, _message, fields?: LogFields) => void reasons.push(fields?.reason) },
    ...options,
  })
  await frontEnd.start()
}

beforeEach(async () => {
  clock = virtualClock()
  host = new MemoryHost([{ deviceId: DEVICE }, { deviceId: 'gateway', moduleId: 'filter' }])
  reasons = []
  clients = []
  await start()
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  await frontEnd.stop()
})

async function open(): Promise<RawMqttClient> {
  const client = await RawMqttClient.to(frontEnd.address().port)
  clients.push(client)
  return client
}

async function login(...options: [clientId?: string, connect?: object]): Promise<RawMqttClient> {
  const client = await RawMqttClient.login(frontEnd.address().port, options[0] ?? DEVICE, options[1])
  clients.push(client)
  return client
}

const refusal = (index: number): SendRefusal => ({
  index,
  error: new EdgewrightError('MESSAGE_TOO_LARGE', 'too large'),
})

describe('acknowledgements', () => {
  test('come in the order of arrival, whichever batch is durable first', async () => {
    const client = await login()
    const stores: ((refusals: readonly SendRefusal[]) => void)[] = []
    host.durable = () => new Promise(resolve => stores.push(resolve))
    client.send(telemetry(DEVICE, 11), telemetry(DEVICE, 12))
    await host.until(() => stores.length === 1)
    client.send(telemetry(DEVICE, 13))
    await host.until(() => stores.length === 2)
    stores[1]?.([])
    await host.until(() => host.taken.length === 1)
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    expect(client.received).toEqual([])
    stores[0]?.([])
    const acknowledged = [await client.next('puback'), await client.next('puback'), await client.next('puback')]
    expect(acknowledged.map(({ messageId }) => messageId)).toEqual([11, 12, 13])
  })

  test('of twin and method publishes take their turn among those of messages', async () => {
    const client = await login()
    const get = {
      cmd: 'publish',
      topic: '$iothub/twin/GET/?$rid=1',
      payload: '',
      qos: 1,
      dup: false,
      retain: false,
    } as const
    client.send(telemetry(DEVICE, 21), { ...get, messageId: 22 }, telemetry(DEVICE, 23))
    const acknowledged = [await client.next('puback'), await client.next('puback'), await client.next('puback')]
    expect(acknowledged.map(({ messageId }) => messageId)).toEqual([21, 22, 23])
  })

  test('are not given for a refused message, nor for any after it, and the connection ends', async () => {
    const client = await login()
    host.durable = async () => [refusal(2), refusal(1)]
    client.send(telemetry(DEVICE, 1), telemetry(DEVICE, 2), telemetry(DEVICE, 3), telemetry(DEVICE, 4))
    await client.closed()
    expect(client.received).toMatchObject([{ cmd: 'puback', messageId: 1 }])
    expect(reasons).toContain('a message was refused: MESSAGE_TOO_LARGE too large')
  })

  test('are not given when the store fails', async () => {
    const client = await login()
    host.durable = async () => {
      throw new Error('disk is gone')
    }
    client.send(telemetry(DEVICE, 1))
    await client.closed()
    expect(client.received).toEqual([])
  })

  test('are not sent for QoS 0, which is stored all the same', async () => {
    const client = await login()
    client.send(telemetry(DEVICE, 0), telemetry(DEVICE, 5))
    expect(await client.next('puback')).toMatchObject({ messageId: 5 })
    expect(host.taken).toHaveLength(2)
  })
})

test('what comes in one chunk is one batch for the hub', async () => {
  const client = await login()
  client.send(...Array.from({ length: 20 }, (_, index) => telemetry(DEVICE, index + 1)))
  await host.until(() => host.taken.length === 20)
  expect(host.batches).toEqual([20])
})

test('reading stops when too much is under way, and goes on when it is stored', async () => {
  await frontEnd.stop()
  await start({ inboundWindow: 4 })
  const client = await login()
  const stores: (() => void)[] = []
  host.durable = () => new Promise(resolve => stores.push(() => resolve([])))
  client.send(...[1, 2, 3, 4].map(id => telemetry(DEVICE, id)))
  await host.until(() => stores.length === 1)
  client.send({ cmd: 'pingreq' })
  // Nothing is read, not even a ping; and the client is not blamed for the silence.
  await clock.advance(300_000)
  expect(client.received).toEqual([])
  stores[0]?.()
  await client.next('pingresp')
})

describe('the login', () => {
  test('is refused with 5 for what is wrong with the credentials, and the reason is in the log only', async () => {
    const cases = [
      { clientId: 'other', username: 'hub.test/other/?api-version=1' },
      { password: Buffer.from('SharedAccessSignature sr=a&sig=b&se=1') },
      { password: undefined },
      { username: 'hub.test/press-7/' },
      { username: 'hub.test/press-7/?model-id=x' },
      { username: 'hub.test/press-8/?api-version=1' },
      { will: { topic: 'devices/other/messages/events/', payload: Buffer.from('x'), qos: 1 as const } },
    ]
    for (const options of cases) {
      const client = await open()
      client.send(connectPacket(DEVICE, options))
      expect(await client.next('connack')).toMatchObject({ returnCode: 5 })
      await client.closed()
      await clock.advance(60_000)
    }
    expect(reasons).toEqual([
      'unknown-identity: other',
      'expired: refused',
      'neither a password nor a client certificate',
      expect.stringContaining('the user name'),
      'the user name has no api-version',
      'the client id is not the identity of the user name',
      expect.stringContaining('another identity'),
    ])
  })

  test.each([
    ['MQTT 3.1', Buffer.from('100f00064d514973647003020000000161', 'hex'), 1],
    ['MQTT 5', Buffer.from('100e00044d5154540502000000000161', 'hex'), 1],
    ['a level nobody knows', Buffer.from('100d00044d5154544202000000000161', 'hex'), 1],
    ['an empty client id', connectPacket('', { username: 'hub/d/?api-version=1', clean: true }), 2],
  ])('of %s is refused with its own code', async (_name, connect, returnCode) => {
    const client = await open()
    client.send(connect)
    expect(await client.next('connack')).toMatchObject({ returnCode })
    await client.closed()
  })

  test('is refused with 3 when the hub cannot take more clients', async () => {
    host.openSession = async () => {
      throw new EdgewrightError('CLIENT_LIMIT', 'There are 5 clients already')
    }
    const client = await open()
    client.send(connectPacket(DEVICE))
    expect(await client.next('connack')).toMatchObject({ returnCode: 3 })
    await client.closed()
  })

  test('may be looked up slowly, while what follows it waits', async () => {
    const authenticate = host.authenticate.bind(host)
    let decide: (() => void) | undefined
    host.authenticate = ((credentials: Parameters<typeof authenticate>[0]) =>
      new Promise(resolve => {
        decide = () => resolve(authenticate(credentials))
        host.changed()
      })) as unknown as typeof host.authenticate
    const client = await open()
    client.send(connectPacket(DEVICE), telemetry(DEVICE, 1), { cmd: 'pingreq' })
    await host.until(() => decide)
    expect(client.received).toEqual([])
    decide?.()
    await client.next('pingresp')
    await host.until(() => host.taken.length === 1)
  })

  test('must come within a minute', async () => {
    const client = await open()
    await clock.untilPending(1)
    await clock.advance(59_999)
    expect(client.socket.readyState).toBe('open')
    await clock.advance(1)
    await client.closed()
    expect(reasons).toEqual(['no accepted CONNECT in time'])
  })

  test('is slow to be refused for an address that keeps failing, and quick for a good client of the same', async () => {
    await frontEnd.stop()
    await start()
    const bad = { username: 'hub.test/other/?api-version=1' }
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const client = await open()
      client.send(connectPacket('other', bad))
      await client.next('connack')
    }
    const sixth = await open()
    sixth.send(connectPacket('other', bad))
    await host.until(() => host.credentials.length === 6)
    await login()
    expect(sixth.received).toEqual([])
    await clock.advance(100)
    expect(await sixth.next('connack')).toMatchObject({ returnCode: 5 })
  })
})

describe('a session', () => {
  test('is taken over by a new connection of the same identity', async () => {
    const older = await login()
    const newer = await login()
    await older.closed()
    newer.send(telemetry(DEVICE, 1))
    await newer.next('puback')
    expect(host.ends).toEqual([{ client: DEVICE, end: { kind: 'taken-over' } }])
  })

  test('is present again with its subscriptions, unless a clean one was asked for', async () => {
    const first = await login()
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$iothub/methods/POST/#', qos: 0 }] })
    await first.next('suback')
    first.send({ cmd: 'disconnect' })
    await first.closed()
    const second = await open()
    second.send(connectPacket(DEVICE))
    expect(await second.next('connack')).toMatchObject({ returnCode: 0, sessionPresent: true })
    expect(host.session(DEVICE).subscriptions).toEqual(new Set(['methods']))
    const third = await open()
    third.send(connectPacket(DEVICE, { clean: true }))
    expect(await third.next('connack')).toMatchObject({ returnCode: 0, sessionPresent: false })
  })

  test('ends after one and a half times its keep-alive without a word', async () => {
    const client = await login(DEVICE, { keepalive: 10 })
    await clock.advance(14_999)
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    await clock.advance(14_999)
    expect(host.session(DEVICE).isOpen).toBe(true)
    await clock.advance(1)
    await client.closed()
    expect(host.ends).toEqual([{ client: DEVICE, end: { kind: 'client-left' } }])
  })

  test.each([0, 65_535])('with a keep-alive of %d ends after fifteen minutes without a word', async keepalive => {
    const client = await login(DEVICE, { keepalive })
    await clock.advance(899_999)
    expect(host.session(DEVICE).isOpen).toBe(true)
    await clock.advance(1)
    await client.closed()
  })

  test('ends when its token has lapsed, with five minutes for clocks that differ', async () => {
    const expiresAt = clock.now() + 7_200_000
    host.authenticate = ({ identity }) => ({ accepted: true, identity, expiresAt })
    const client = await login(DEVICE, { keepalive: 0 })
    for (let minutes = 0; minutes < 120; minutes += 10) {
      await clock.advance(600_000)
      client.send({ cmd: 'pingreq' })
      await client.next('pingresp')
    }
    await clock.advance(299_999)
    expect(host.session(DEVICE).isOpen).toBe(true)
    await clock.advance(1)
    await client.closed()
    expect(host.ends).toEqual([{ client: DEVICE, end: { kind: 'credentials-expired' } }])
  })

  test('sends its will when the client is lost, and not when it takes its leave', async () => {
    const will = { topic: `devices/${DEVICE}/messages/events/a=b`, payload: Buffer.from('gone'), qos: 1 as const }
    const leaving = await login(DEVICE, { will })
    leaving.send({ cmd: 'disconnect' })
    await leaving.closed()
    expect(host.taken).toEqual([])
    const lost = await login(DEVICE, { will })
    lost.destroy()
    await host.until(() => host.taken.length === 1)
    expect(host.taken).toMatchObject([
      {
        sender: DEVICE,
        body: Buffer.from('gone'),
        properties: new Map([
          ['a', 'b'],
          ['iothub-MessageType', 'Will'],
        ]),
      },
    ])
  })

  test('lets what was read become durable and acknowledged when the front-end stops', async () => {
    const client = await login()
    let store: (() => void) | undefined
    host.durable = () => new Promise(resolve => (store = () => resolve([])))
    client.send(telemetry(DEVICE, 1))
    await host.until(() => store)
    const stopped = frontEnd.stop()
    store?.()
    await stopped
    await client.closed()
    expect(client.received).toMatchObject([{ cmd: 'puback', messageId: 1 }])
    expect(host.ends).toEqual([{ client: DEVICE, end: { kind: 'hub-stopping' } }])
  })
})

describe('subscriptions', () => {
  test('are granted at most QoS 1, and refused off the topic table', async () => {
    const client = await login(MODULE)
    client.send({
      cmd: 'subscribe',
      messageId: 7,
      subscriptions: [
        { topic: 'devices/gateway/modules/filter/#', qos: 2 },
        { topic: '$iothub/twin/res/#', qos: 0 },
        { topic: 'devices/gateway/modules/other/inputs/#', qos: 1 },
        { topic: '#', qos: 0 },
      ],
    })
    expect(await client.next('suback')).toMatchObject({ messageId: 7, granted: [1, 0, 128, 128] })
    expect(host.session(MODULE).subscriptions).toEqual(new Set(['inputs']))
  })

  test('last until their last filter is gone', async () => {
    const client = await login(MODULE)
    const [one, other] = ['devices/gateway/modules/filter/#', 'devices/gateway/modules/filter/inputs/#']
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: one, qos: 1 },
        { topic: other, qos: 1 },
      ],
    })
    await client.next('suback')
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [one] })
    await client.next('unsuback')
    expect(host.session(MODULE).subscriptions).toEqual(new Set(['inputs']))
    client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: [other] })
    await client.next('unsuback')
    expect(host.session(MODULE).subscriptions).toEqual(new Set())
  })
})

describe('deliveries', () => {
  const message: Message = { body: Buffer.from('x'), properties: new Map(), system: {} }

  test('keep to the window, and are completed by PUBACK', async () => {
    await frontEnd.stop()
    await start({ outboundWindow: 2 })
    const client = await login(MODULE)
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'devices/gateway/modules/filter/#', qos: 1 }],
    })
    await client.next('suback')
    const settled: number[] = []
    host.session(MODULE).peer.deliver(
      [0, 1, 2].map(index => ({
        message,
        input: 'in',
        redelivered: index === 1,
        settle: () => void settled.push(index),
      })),
    )
    const [first, second] = [await client.next('publish'), await client.next('publish')]
    expect(first).toMatchObject({ topic: 'devices/gateway/modules/filter/inputs/in/', qos: 1, dup: false })
    expect(second).toMatchObject({ dup: true })
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    expect(client.received).toEqual([])
    client.send({ cmd: 'puback', messageId: second.messageId ?? 0 })
    await client.next('publish')
    expect(settled).toEqual([1])
  })

  test('with QoS 0 are complete once they are written', async () => {
    const client = await login()
    const topic = `devices/${DEVICE}/messages/devicebound/#`
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] })
    await client.next('suback')
    const settled: string[] = []
    host.session(DEVICE).peer.deliver([{ message, redelivered: false, settle: how => void settled.push(how) }])
    expect(await client.next('publish')).toMatchObject({ qos: 0 })
    expect(settled).toEqual(['completed'])
  })

  test('that no topic can carry are rejected', async () => {
    await login()
    const properties = new Map([['long', 'x'.repeat(65_535)]])
    const settled = new Promise(resolve => {
      host.session(DEVICE).peer.deliver([{ message: { ...message, properties }, redelivered: false, settle: resolve }])
    })
    expect(await settled).toBe('rejected')
  })

  test('that come before the CONNACK wait for it', async () => {
    const openSession = host.openSession.bind(host)
    host.openSession = async options => {
      options.peer.deliver([{ message, redelivered: false, settle: () => undefined }])
      options.peer.desired({ patch: { a: 1 }, version: 2 })
      return openSession(options)
    }
    const client = await open()
    client.send(connectPacket(DEVICE))
    const first = await client.any()
    expect([first.cmd, (await client.any()).cmd, (await client.any()).cmd]).toEqual(['connack', 'publish', 'publish'])
  })
})

describe('failures of the twin', () => {
  test.each([
    ['a patch that is no JSON', 'not json', 400, 400_004],
    ['a patch that is no object', '[]', 400, 400_004],
  ])('%s is told as JSON with an error code', async (_name, payload, status, errorCode) => {
    const client = await login()
    const topic = '$iothub/twin/PATCH/properties/reported/?$rid=a-1'
    client.send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false })
    const answer = await client.next('publish')
    expect(answer.topic).toBe(`$iothub/twin/res/${status}/?$rid=a-1`)
    expect(JSON.parse(answer.payload.toString())).toMatchObject({ errorCode, message: expect.any(String) })
  })

  test('without a cloud is told as 503', async () => {
    const client = await login()
    host.session(DEVICE).getTwin = async () => {
      throw new EdgewrightError('TWIN_UNAVAILABLE', 'This twin was never seen')
    }
    client.send({ cmd: 'publish', topic: '$iothub/twin/GET/?$rid=7', payload: ' ', qos: 0, dup: false, retain: false })
    const answer = await client.next('publish')
    expect(answer.topic).toBe('$iothub/twin/res/503/?$rid=7')
    expect(JSON.parse(answer.payload.toString())).toMatchObject({ errorCode: 503_001 })
  })
})

describe('methods', () => {
  const call = { name: 'go', responseTimeout: 5_000, connectTimeout: 0 }

  test('fail when the client leaves, and when the caller gives up', async () => {
    const client = await login()
    const { peer } = host.session(DEVICE)
    const abandoned = new AbortController()
    const given = peer.method(call, abandoned.signal)
    const left = peer.method(call, new AbortController().signal)
    abandoned.abort(new Error('too late'))
    await expect(given).rejects.toThrow('too late')
    client.destroy()
    await expect(left).rejects.toMatchObject({ code: 'METHOD_NO_CLIENT' })
  })

  test('answered without a status are 400 to the caller', async () => {
    const client = await login()
    const answer = host.session(DEVICE).peer.method(call, new AbortController().signal)
    const request = await client.next('publish')
    expect(request.payload.toString()).toBe('')
    const topic = request.topic.replace('POST/go', 'res/fine')
    client.send({ cmd: 'publish', topic, payload: '', qos: 0, dup: false, retain: false })
    expect(await answer).toMatchObject({ status: 400 })
  })

  test('are bounded', async () => {
    await frontEnd.stop()
    await start({ maxMethods: 1 })
    await login()
    const { peer } = host.session(DEVICE)
    const first = peer.method(call, new AbortController().signal)
    await expect(peer.method(call, new AbortController().signal)).rejects.toMatchObject({ code: 'METHOD_LIMIT' })
    const given = expect(first).rejects.toMatchObject({ code: 'METHOD_NO_CLIENT' })
    await frontEnd.stop()
    await given
  })
})

describe('what a client may not do', () => {
  const publish = { cmd: 'publish', payload: 'x', qos: 0, dup: false, retain: false } as const

  test.each([
    ['publish as another device', { ...publish, topic: 'devices/other/messages/events/' }],
    ['publish as its own device’s module', { ...publish, topic: `devices/${DEVICE}/modules/m/messages/events/` }],
    ['publish on a free topic', { ...publish, topic: 'free/topic' }],
    ['publish to itself', { ...publish, topic: `devices/${DEVICE}/messages/devicebound/` }],
    ['ask for a twin without a request id', { ...publish, topic: '$iothub/twin/GET/' }],
    ['publish with QoS 2', { ...publish, qos: 2 as const, messageId: 1, topic: `devices/${DEVICE}/messages/events/` }],
    ['connect twice', connectPacket(DEVICE)],
    ['send what only servers send', Buffer.from('d000', 'hex')],
    ['send a packet type that does not exist', Buffer.from('f000', 'hex')],
    ['send wrong flags', Buffer.from('c100', 'hex')],
    ['send a packet identifier of 0', Buffer.from('3205000161' + '0000', 'hex')],
    ['send a PUBLISH shorter than its topic', Buffer.from('3003000a61', 'hex')],
    ['send an empty PUBLISH', Buffer.from('3000', 'hex')],
    ['send a length of five bytes', Buffer.from('30ffffffff01', 'hex')],
    ['send ill-formed UTF-8', Buffer.from('30040002ff61', 'hex')],
    ['subscribe to nothing', Buffer.from('82020001', 'hex')],
  ])('is to %s', async (_name, packet) => {
    const client = await login()
    client.send(packet)
    await client.closed()
    expect(host.taken).toEqual([])
    expect(host.ends).toMatchObject([{ client: DEVICE, end: { kind: 'protocol-error' } }])
    expect(reasons.at(-1)).toEqual(expect.any(String))
  })

  test('is to send a packet longer than allowed, which is seen by its header', async () => {
    const client = await login()
    const length = MQTT_LIMITS.maxPacketBytes
    client.send(Buffer.from([0x32, (length & 0x7f) | 0x80, ((length >>> 7) & 0x7f) | 0x80, length >>> 14]))
    await client.closed()
    expect(reasons).toContain('a packet longer than allowed')
  })

  test.each([
    ['publish', telemetry(DEVICE, 1)],
    ['ping', { cmd: 'pingreq' } as const],
  ])('is to %s before it connects', async (_name, packet) => {
    const client = await open()
    client.send(packet)
    await client.closed()
    expect(client.received).toEqual([])
  })

  test('does not disturb its neighbours', async () => {
    const neighbour = await login(MODULE)
    const client = await login()
    client.send(Buffer.from('00', 'hex'), Buffer.alloc(1_000, 0xff))
    await client.closed()
    neighbour.send(telemetry(MODULE, 9))
    expect(await neighbour.next('puback')).toMatchObject({ messageId: 9 })
  })
})

test('a message of the largest size and longest topic is accepted', async () => {
  const client = await login()
  const path = `devices/${DEVICE}/messages/events/`
  client.send(telemetry(DEVICE, 1, Buffer.alloc(262_144), `k=${'v'.repeat(65_535 - path.length - 2)}`))
  await client.next('puback')
  expect(host.taken[0]?.body).toHaveLength(262_144)
})

test('a retained message goes on as one that says so', async () => {
  const client = await login()
  client.send({ ...telemetry(DEVICE, 1), retain: true } as ReturnType<typeof telemetry>)
  await client.next('puback')
  expect(host.taken[0]?.properties).toEqual(new Map([['mqtt-retain', 'true']]))
})

test('a client that takes nothing of what it is sent is let go', async () => {
  await frontEnd.stop()
  await start({ maxBufferedBytes: 64_000_000 })
  const client = await login()
  client.socket.pause()
  const { peer } = host.session(DEVICE)
  // More than the machine's own buffers take.
  for (let version = 0; version < 20; version += 1) peer.desired({ patch: { text: 'x'.repeat(1_000_000) }, version })
  while (host.ends.length === 0) await clock.advance(30_000)
  expect(reasons).toContain('the client takes nothing of what it is sent')
})

test('a client for which too much waits is let go at once', async () => {
  await frontEnd.stop()
  await start({ maxBufferedBytes: 1_000_000 })
  const client = await login()
  client.socket.pause()
  const { peer } = host.session(DEVICE)
  for (let version = 0; version < 20; version += 1) peer.desired({ patch: { text: 'x'.repeat(1_000_000) }, version })
  expect(host.ends).toMatchObject([{ client: DEVICE }])
})
