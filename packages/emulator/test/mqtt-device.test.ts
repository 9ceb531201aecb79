import { createMessage } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import type { IPublishPacket } from 'mqtt-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmulator, type TestEmulator } from './support/emulator.js'
import { MqttClient } from './support/mqtt-client.js'
import { identityToken } from './support/tokens.js'

const SENSOR = { deviceId: 'sensor' }
const EVENTS = 'devices/sensor/messages/events/'
const METHODS = '$iothub/methods/POST/#'
const COMMANDS = 'devices/sensor/messages/devicebound/#'

let running: TestEmulator
beforeEach(async () => {
  running = await startEmulator()
  running.emulator.registry.createDevice(SENSOR)
})
afterEach(() => running[Symbol.asyncDispose]())

const bodies = () => running.emulator.events.snapshot().map(({ message }) => Buffer.from(message.body).toString())

test.each([
  ['a wrong protocol level', { protocolVersion: 3, protocolId: 'MQIsdp' } as const, 1],
  ['a client id that is not the identity', { clientId: 'other' }, 5],
  ['no api-version', { username: 'hub/sensor/?x=y' }, 5],
  ['an unknown device', { clientId: 'ghost', username: 'hub/ghost/?api-version=1' }, 5],
  ['no password and no certificate', { password: undefined }, 5],
])('%s is refused', async (_, fields, returnCode) => {
  await using client = new MqttClient(running)
  expect(await client.connect(SENSOR, fields as object)).toMatchObject({ returnCode })
  await client.closed
})

test("another identity's token is refused", async () => {
  running.emulator.registry.createDevice({ deviceId: 'other' })
  await using client = new MqttClient(running)
  const password = Buffer.from(identityToken(running.emulator, { deviceId: 'other' }))
  expect(await client.connect(SENSOR, { password })).toMatchObject({ returnCode: 5 })
})

test('a gateway speaks for what stands behind it, and for nobody else', async () => {
  const { emulator } = running
  emulator.registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  emulator.registry.createDevice({ deviceId: 'leaf', parentId: 'gateway' })
  const password = Buffer.from(identityToken(emulator, { deviceId: 'gateway', moduleId: '$edgeHub' }))
  for (const [deviceId, returnCode] of [
    ['leaf', 0],
    ['sensor', 5],
  ] as const) {
    await using client = new MqttClient(running)
    const username = `hub/${deviceId}/?api-version=2021-04-12&auth-chain=${deviceId}%3Bgateway`
    expect(await client.connect({ deviceId }, { username, password })).toMatchObject({ returnCode })
  }
})

test('subscriptions outlive the connection when the client asks for it, and only then', async () => {
  const first = new MqttClient(running)
  expect(await first.connect(SENSOR)).toMatchObject({ returnCode: 0, sessionPresent: false })
  first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: METHODS, qos: 0 }] })
  await first.next('suback')
  await first[Symbol.asyncDispose]()

  const second = new MqttClient(running)
  expect(await second.connect(SENSOR)).toMatchObject({ sessionPresent: true })
  expect(running.emulator.clients.handler(SENSOR, 'method')).toBeDefined()
  await second[Symbol.asyncDispose]()

  const third = new MqttClient(running)
  expect(await third.connect(SENSOR, { clean: true })).toMatchObject({ sessionPresent: false })
  expect(running.emulator.clients.handler(SENSOR, 'method')).toBeUndefined()
  await third[Symbol.asyncDispose]()
})

test('filters of other identities and shapes are refused, and QoS 2 is granted as 1', async () => {
  await using client = new MqttClient(running)
  await client.connect(SENSOR)
  const topics = ['devices/other/messages/devicebound/#', '#', '$iothub/twin/res/#', COMMANDS]
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map(topic => ({ topic, qos: 2 })) })
  expect(await client.next('suback')).toMatchObject({ granted: [0x80, 0x80, 1, 1] })
})

test.each([
  [
    'QoS 2',
    (client: MqttClient) =>
      client.send({ cmd: 'publish', topic: EVENTS, payload: 'x', qos: 2, messageId: 1, dup: false, retain: false }),
  ],
  ["another identity's topic", (client: MqttClient) => client.publish('devices/other/messages/events/', 'x')],
  ['an unknown topic', (client: MqttClient) => client.publish('weather', 'x')],
  ['a second CONNECT', (client: MqttClient) => void client.connect(SENSOR).catch(() => undefined)],
  [
    'a packet that claims to be huge',
    (client: MqttClient) => void client.socket.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f, 0])),
  ],
])('%s ends the connection', async (_, misbehave) => {
  await using client = new MqttClient(running)
  await client.connect(SENSOR)
  misbehave(client)
  await client.closed
  expect(bodies()).toEqual([])
})

test('a newer connection takes over, and the will of the one that had to go is sent', async () => {
  const first = new MqttClient(running)
  await first.connect(SENSOR, { will: { topic: EVENTS, payload: Buffer.from('gone') } })
  await using second = new MqttClient(running)
  await second.connect(SENSOR)
  await first.closed
  const [will] = await running.emulator.events.until(1)
  expect([...will!.message.properties]).toEqual([['iothub-MessageType', 'Will']])
  second.publish(EVENTS, 'here')
  await second.next('puback')
  expect(bodies()).toEqual(['gone', 'here'])
})

test('no will is sent after DISCONNECT', async () => {
  const client = new MqttClient(running)
  await client.connect(SENSOR, { will: { topic: EVENTS, payload: Buffer.from('gone') } })
  client.publish(EVENTS, 'bye')
  client.send({ cmd: 'disconnect' })
  await client.closed
  expect(bodies()).toEqual(['bye'])
})

test('acknowledgements leave in the order of arrival', async () => {
  await using client = new MqttClient(running)
  await client.connect(SENSOR)
  for (let id = 1; id <= 50; id += 1) client.publish(EVENTS, String(id), id)
  const ids: (number | undefined)[] = []
  while (ids.length < 50) ids.push((await client.next('puback')).messageId)
  expect(ids).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
})

test('a command that is not acknowledged is given again when its lock lapses', async () => {
  const clock = virtualClock({ start: Date.now() })
  await using own = await startEmulator({ clock })
  own.emulator.registry.createDevice(SENSOR)
  own.emulator.commands.send(SENSOR, createMessage({ body: 'stop', system: { messageId: 'c-1' } }))
  await using client = new MqttClient(own)
  await client.connect(SENSOR)
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: COMMANDS, qos: 1 }] })
  const first = (await client.next('publish')) as IPublishPacket
  expect(first).toMatchObject({ qos: 1, topic: expect.stringContaining('%24.mid=c-1') })
  await clock.advance(60_000)
  const again = (await client.next('publish')) as IPublishPacket
  client.send({ cmd: 'puback', messageId: again.messageId as number })
  client.send({ cmd: 'pingreq' })
  await client.next('pingresp')
  expect(own.emulator.commands.count(SENSOR)).toBe(0)
})

test('a client is dropped when it is silent for one and a half times its keep-alive, and when its token lapses', async () => {
  const clock = virtualClock({ start: Date.now() })
  await using own = await startEmulator({ clock })
  own.emulator.registry.createDevice(SENSOR)
  const silent = new MqttClient(own)
  await silent.connect(SENSOR, { keepalive: 10 })
  await clock.advance(14_999)
  expect(own.emulator.clients.isConnected(SENSOR)).toBe(true)
  await clock.advance(1)
  await silent.closed

  const password = Buffer.from(identityToken(own.emulator, SENSOR, { expiresAt: clock.now() + 30_000 }))
  const lapsing = new MqttClient(own)
  await lapsing.connect(SENSOR, { keepalive: 1_000, password })
  await clock.advance(30_000 + 300_000 + 1_000)
  await lapsing.closed
})
