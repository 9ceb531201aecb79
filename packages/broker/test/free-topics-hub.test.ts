import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MqttFrontEnd } from '../src/index.js'
import { MemoryHost } from './memory-host.js'
import { connectPacket, RawMqttClient, telemetry } from './raw-mqtt-client.js'
import { TopicHouse } from './topic-house.js'

const publish = (topic: string, messageId = 0, retain = false) =>
  ({ cmd: 'publish', topic, payload: topic, qos: messageId === 0 ? 0 : 1, messageId, dup: false, retain }) as const
const subscribe = (messageId: number, ...filters: readonly string[]) =>
  ({ cmd: 'subscribe', messageId, subscriptions: filters.map(topic => ({ topic, qos: 1 as const })) }) as const

describe('an IoT Hub client on free topics', () => {
  let house: TopicHouse

  beforeEach(async () => {
    house = new TopicHouse()
    await house.start()
  })

  afterEach(() => house.stop())

  test('publishes to plain clients, and is told what they publish', async () => {
    const plain = await house.client('ann')
    await plain.subscribeAsync('open/from/#', { qos: 1 })
    const device = await house.hub('press-7')
    device.send(subscribe(1, 'open/to/#', 'devices/press-7/messages/devicebound/#'))
    expect(await device.any()).toMatchObject({ cmd: 'suback', granted: [1, 1] })
    device.send(publish('open/from/press', 2))
    expect(await device.any()).toMatchObject({ cmd: 'puback', messageId: 2 })
    await expect.poll(() => plain.received).toMatchObject([{ topic: 'open/from/press', qos: 1 }])
    await plain.publishAsync('open/to/press', 'hello', { qos: 2 })
    const delivery = await device.next('publish')
    expect(delivery).toMatchObject({ topic: 'open/to/press', qos: 1, payload: Buffer.from('hello'), dup: false })
    device.send({ cmd: 'puback', messageId: delivery.messageId! })
    await plain.publishAsync('open/to/press', 'again', { qos: 0 })
    expect(await device.next('publish')).toMatchObject({ qos: 0, payload: Buffer.from('again') })
  })

  test('keeps the order of its acknowledgements over both kinds of topic', async () => {
    const sleeper = await house.client('ann', { clean: false })
    await sleeper.subscribeAsync('open/#', { qos: 1 })
    await sleeper.endAsync()
    const device = await house.hub('press-7')
    device.send(subscribe(9, 'open/none'))
    await device.next('suback')
    house.store.hold()
    device.send(telemetry('press-7', 1), publish('open/a', 2), telemetry('press-7', 3), publish('open/b', 4))
    expect(await device.any()).toMatchObject({ cmd: 'puback', messageId: 1 })
    await expect.poll(() => house.store.held).toBe(2)
    expect(device.received).toEqual([])
    house.store.release()
    for (const messageId of [2, 3, 4]) expect(await device.any()).toMatchObject({ cmd: 'puback', messageId })
  })

  test('may do what the policy says, to the letter', async () => {
    const device = await house.hub('press-7')
    const filters = [
      'open/#',
      'own/press-7/x',
      'own/other/x',
      'partly/x',
      '#',
      '$SYS/#',
      'devices/other/#',
      'a#',
      '',
      'open/#',
    ]
    device.send(subscribe(1, ...filters))
    expect(await device.next('suback')).toMatchObject({ granted: [1, 1, 128, 128, 128, 128, 128, 128, 128, 1] })
    device.send(publish('own/other/x', 2))
    await device.closed()
    expect(device.received).toEqual([])
  })

  test('that the policy does not let in is refused as if there were no free topics', async () => {
    const device = await house.hub('elsewhere')
    device.send(subscribe(1, 'open/#', '$iothub/methods/POST/#'))
    expect(await device.next('suback')).toMatchObject({ granted: [128, 1] })
    device.send(publish('open/x', 2))
    await device.closed()
    expect(device.received).toEqual([])
  })

  test('gets retained messages, and what came while it was away, over a restart', async () => {
    const plain = await house.client('ann')
    await plain.publishAsync('open/state', 'on', { qos: 1, retain: true })
    const device = await house.hub('gateway/filter')
    device.send(subscribe(1, 'open/#'))
    expect(await device.next('publish')).toMatchObject({ topic: 'open/state', retain: true })
    device.send({ cmd: 'disconnect' })
    await device.closed()
    await plain.publishAsync('open/event', 'missed', { qos: 1 })
    await house.restart()
    const back = await RawMqttClient.to(house.port)
    back.send(connectPacket('gateway/filter'))
    expect(await back.any()).toMatchObject({ cmd: 'connack', returnCode: 0, sessionPresent: true })
    const missed = await back.next('publish')
    expect(missed).toMatchObject({ topic: 'open/event', payload: Buffer.from('missed'), retain: false })
    back.send({ cmd: 'puback', messageId: missed.messageId! }, { cmd: 'disconnect' })
    await back.closed()
    const clean = await house.hub('gateway/filter', { clean: true })
    clean.send({ cmd: 'disconnect' })
    await clean.closed()
    const again = await RawMqttClient.to(house.port)
    again.send(connectPacket('gateway/filter'))
    expect(await again.any()).toMatchObject({ cmd: 'connack', sessionPresent: false })
    again.destroy()
  })

  test('unsubscribes', async () => {
    const device = await house.hub('press-7')
    device.send(subscribe(1, 'open/#'))
    await device.next('suback')
    device.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['open/#'] })
    await device.next('unsuback')
    const plain = await house.client('ann')
    await plain.publishAsync('open/x', 'x', { qos: 1 })
    device.send({ cmd: 'pingreq' })
    expect((await device.any()).cmd).toBe('pingresp')
  })

  test('and its own topics never meet: plain clients neither see nor write them', async () => {
    const plain = await house.raw('ann')
    plain.send(subscribe(1, 'devices/#', '$iothub/#', '+/press-7/messages/events/#'))
    expect(await plain.next('suback')).toMatchObject({ granted: [128, 128, 128] })
    const device = await house.hub('press-7')
    device.send(telemetry('press-7', 1))
    await device.next('puback')
    plain.send(publish('devices/press-7/messages/events/', 2))
    await plain.closed()
    expect(plain.received).toEqual([])
    expect(house.host.taken).toHaveLength(1)
  })
})

test('without free topics nothing changes for anybody', async () => {
  const host = new MemoryHost([{ deviceId: 'press-7' }])
  const frontEnd = new MqttFrontEnd({ host, listen: { address: '127.0.0.1', port: 0 }, tls: 'none' })
  await frontEnd.start()
  const { port } = frontEnd.address()
  const plain = await RawMqttClient.to(port)
  const login = { clientId: 'a', username: 'ann', password: Buffer.from('x'), clean: true, keepalive: 0 }
  plain.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...login })
  expect(await plain.next('connack')).toMatchObject({ returnCode: 5 })
  const device = await RawMqttClient.login(port, 'press-7')
  device.send(subscribe(1, 'open/#'))
  expect(await device.next('suback')).toMatchObject({ granted: [128] })
  device.send(publish('open/x', 2))
  await device.closed()
  expect(device.received).toEqual([])
  await frontEnd.stop()
})
