import { memoryMeter } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import mqttPacket, { type IConnectPacket } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FreeTopicsOptions } from '../src/index.js'
import { RawMqttClient } from './raw-mqtt-client.js'
import { SECRET, TopicHouse } from './topic-house.js'

const publish = (topic: string, messageId = 0, payload: string | Buffer = 'x', retain = false) =>
  ({ cmd: 'publish', topic, payload, qos: messageId === 0 ? 0 : 1, messageId, dup: false, retain }) as const
const subscribe = (messageId: number, ...filters: readonly string[]) =>
  ({ cmd: 'subscribe', messageId, subscriptions: filters.map(topic => ({ topic, qos: 1 as const })) }) as const

let house: TopicHouse
const meter = memoryMeter()

beforeEach(() => {
  house = new TopicHouse()
})

afterEach(() => house.stop())

/** What a CONNECT is answered with. */
async function knock(options: Partial<IConnectPacket>): Promise<number | undefined> {
  const client = await RawMqttClient.to(house.port)
  const login = { clientId: 'c', username: 'ann', password: Buffer.from(SECRET), clean: true, keepalive: 0 }
  const bytes = mqttPacket.generate({
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...login, ...options },
    clean: true,
  })
  // The library does not write a CONNECT without an id that wants a session.
  if (options.clean === false) bytes[9]! &= ~2
  client.send(bytes)
  await Promise.race([client.closed(), client.next('connack').then(packet => client.received.unshift(packet))])
  const [answer] = client.received
  client.destroy()
  return answer?.cmd === 'connack' ? answer.returnCode : undefined
}

describe('a plain client', () => {
  const will = (topic: string) => ({ will: { topic, payload: Buffer.from('x'), qos: 0 as const, retain: false } })

  test.each<[string, Partial<IConnectPacket>, number]>([
    ['the right password', {}, 0],
    ['a wrong password', { password: Buffer.from('wrong') }, 5],
    ['no password', { password: undefined }, 5],
    ['an unknown name', { username: 'eve' }, 5],
    ['no name', { username: undefined, password: undefined }, 5],
    ['a name that the policy does not let in', { username: 'mallory' }, 5],
    ['no client id', { clientId: '' }, 0],
    ['no client id and a session', { clientId: '', clean: false }, 2],
    ['a client id that is too long', { clientId: 'c'.repeat(129) }, 2],
    ['a will that it may publish', will('open/will'), 0],
    ['a will that it may not publish', will('other/will'), 5],
    ['a will on a topic of IoT Hub', will('devices/press-7/messages/events/'), 5],
    ['a will on a wildcard', will('open/#'), 5],
    ['MQTT 5', { protocolVersion: 5 }, 1],
    ['MQTT 3.1', { protocolId: 'MQIsdp', protocolVersion: 3 }, 1],
  ])('that shows %s gets its answer', async (_name, options, returnCode) => {
    await house.start()
    expect(await knock(options)).toBe(returnCode)
  })

  test('whose account is looked up elsewhere is let in, refused, or told to come again', async () => {
    const authenticate = ({ username }: { username: string | undefined }) => {
      if (username === 'down') throw new Error('the directory is down')
      return username === 'guest' ? 'visitor' : undefined
    }
    const allow = [{ operations: ['mqtt:connect' as const] }]
    await house.start({ authenticate, authorizations: [{ accounts: ['visitor'], allow }] })
    expect(await knock({ username: 'guest' })).toBe(0)
    expect(await knock({ username: 'other' })).toBe(5)
    expect(await knock({ username: 'down' })).toBe(3)
    expect(await knock({ username: 'ann' })).toBe(5)
  })

  test('gets nobody else’s session by choosing its client id', async () => {
    await house.start()
    const ann = await house.client('ann', { clean: false, clientId: 'shared' })
    await ann.subscribeAsync('open/#', { qos: 1 })
    await ann.endAsync()
    const bob = await house.raw('bob', { clean: false, clientId: 'shared' })
    bob.send(publish('open/x', 1))
    expect(await bob.any()).toMatchObject({ cmd: 'puback' })
    const again = await house.client('ann', { clean: false, clientId: 'shared' })
    await expect.poll(() => again.received).toHaveLength(1)
    bob.send({ cmd: 'pingreq' })
    expect((await bob.any()).cmd).toBe('pingresp')
  })

  test.each([
    ['publishes where it may not', publish('other/x', 1)],
    ['publishes where somebody denied it', publish('partly/closed/x', 1)],
    ['publishes as IoT Hub clients do', publish('devices/press-7/messages/events/', 1)],
    ['publishes on $iothub', publish('$iothub/twin/GET/?$rid=1', 1)],
    ['publishes on $SYS', publish('$SYS/broker', 1)],
    ['publishes on a wildcard', publish('open/+', 1)],
    ['publishes on a long topic', publish(`open/${'x'.repeat(508)}`, 1)],
    ['publishes on a deep topic', publish(`open${'/x'.repeat(32)}`, 1)],
    ['publishes more than a packet may have', publish('open/x', 1, Buffer.alloc(327_688))],
    ['subscribes to more than a packet may have', subscribe(1, ...Array(2_000).fill('open/some/topic'))],
    ['connects again', { cmd: 'connect', clientId: 'a', protocolId: 'MQTT', protocolVersion: 4, clean: true } as const],
    ['sends what only servers send', { cmd: 'connack', returnCode: 0, sessionPresent: false } as const],
    ['sends a malformed packet', Buffer.from([0x82, 2, 0, 1])],
    ['sends a malformed length', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ])('that %s is closed, and nobody else is', async (_what, packet) => {
    await house.start({ meter })
    const neighbour = await house.raw('bob')
    const client = await house.raw('ann')
    client.send(packet)
    await client.closed()
    expect(client.received).toEqual([])
    neighbour.send(publish('open/x', 1))
    expect(await neighbour.any()).toMatchObject({ cmd: 'puback' })
  })

  test('gets for each filter what the policy says', async () => {
    await house.start({ maxSubscriptions: 4 })
    const client = await house.raw('ann')
    const filters = ['open/#', 'own/ann/#', 'own/bob/#', '#', '+/x', 'partly/#', 'partly/x', '$SYS/#', 'devices/#']
    client.send(subscribe(1, ...filters))
    expect(await client.next('suback')).toMatchObject({ granted: [1, 1, 128, 128, 128, 128, 1, 128, 128] })
    client.send(subscribe(2, 'open/a', 'open/b', 'open/#'))
    expect(await client.next('suback')).toMatchObject({ granted: [1, 128, 1] })
    client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['open/a'] })
    await client.next('unsuback')
    client.send(subscribe(4, 'open/b'))
    expect(await client.next('suback')).toMatchObject({ granted: [1] })
  })

  test('that was granted a filter under another policy does not get what that has taken away', async () => {
    await house.start()
    const client = await house.client('ann', { clean: false })
    await client.subscribeAsync(['open/#', 'partly/x'], { qos: 1 })
    await client.endAsync()
    const bob = await house.client('bob')
    await bob.publishAsync('open/x', 'taken away', { qos: 1 })
    await bob.publishAsync('partly/x', 'left', { qos: 1 })
    const allow = [{ operations: ['mqtt:connect', 'mqtt:subscribe'] as const, resources: ['partly/x'] }]
    await house.restart({ authorizations: [{ accounts: ['ann'], allow }] })
    const back = await house.client('ann', { clean: false })
    await house.topics.publish({ topic: 'open/x', payload: Buffer.from('taken away'), qos: 1, retain: false })
    await house.topics.publish({ topic: 'partly/x', payload: Buffer.from('last'), qos: 1, retain: false })
    await expect.poll(() => back.received.map(({ body }) => body)).toEqual(['left', 'last'])
    expect(house.store.queues('topics/')).toEqual([])
  })
})

describe('bounds of free topics', () => {
  test('hold for clients and for sessions', async () => {
    await house.start({ maxClients: 2, maxSessions: 1 })
    await house.raw('ann', { clean: false, clientId: 'one' })
    expect(await knock({ clean: false, clientId: 'two' })).toBe(3)
    await house.raw('ann', { clientId: 'two' })
    expect(await knock({ clientId: 'three' })).toBe(3)
  })

  test('hold for what is retained', async () => {
    await house.start({ maxRetained: 2 })
    const client = await house.raw('ann')
    client.send(publish('open/1', 1, 'x', true), publish('open/2', 2, 'x', true), publish('open/1', 3, 'y', true))
    for (const messageId of [1, 2, 3]) expect(await client.any()).toMatchObject({ cmd: 'puback', messageId })
    client.send(publish('open/2', 4, '', true), publish('open/3', 5, 'x', true))
    for (const messageId of [4, 5]) expect(await client.any()).toMatchObject({ cmd: 'puback', messageId })
    client.send(publish('open/4', 6, 'x', true))
    await client.closed()
    expect(client.received).toEqual([])
  })

  test('hold for what waits in a session: the first are kept', async () => {
    const readings = memoryMeter()
    await house.start({ maxQueuedMessages: 3, meter: readings })
    const sleeper = await house.client('ann', { clean: false })
    await sleeper.subscribeAsync('open/#', { qos: 1 })
    await sleeper.endAsync()
    const writer = await house.client('bob')
    await Promise.all([1, 2, 3, 4, 5].map(number => writer.publishAsync('open/x', String(number), { qos: 1 })))
    const dropped = readings.read().find(({ name }) => name.includes('topics_messages_dropped'))
    expect(dropped?.value).toBe(2)
    const back = await house.client('ann', { clean: false })
    await expect.poll(() => back.received.map(({ body }) => body)).toEqual(['1', '2', '3'])
  })

  test('hold for how much waits for the answers of one client', async () => {
    await house.start({ outboundWindow: 2 })
    const reader = await house.raw('ann', { clean: false })
    reader.send(subscribe(1, 'open/#'))
    await reader.next('suback')
    const writer = await house.client('bob')
    for (const number of [1, 2, 3, 4]) await writer.publishAsync('open/x', String(number), { qos: 1 })
    const first = await reader.next('publish')
    await reader.next('publish')
    reader.send({ cmd: 'pingreq' })
    expect((await reader.any()).cmd).toBe('pingresp')
    reader.send({ cmd: 'puback', messageId: first.messageId! })
    expect(await reader.next('publish')).toMatchObject({ payload: Buffer.from('3') })
  })

  test('hold for a client that does not read: it misses messages, and nobody waits for it', async () => {
    const readings = memoryMeter()
    await house.start({ maxBufferedBytes: 262_144, meter: readings })
    const slow = await house.raw('ann', { clientId: 'slow' })
    const kept = await house.raw('ann', { clientId: 'kept', clean: false })
    for (const reader of [slow, kept]) {
      reader.send(subscribe(1, 'open/#'))
      await reader.next('suback')
      reader.socket.pause()
    }
    const quick = await house.client('ann', { clientId: 'quick' })
    await quick.subscribeAsync('open/#')
    const writer = await house.client('bob')
    const body = Buffer.alloc(65_536)
    for (let rest = 200; rest > 0; rest -= 1) {
      const arrived = new Promise<void>(resolve => quick.once('message', () => resolve()))
      await writer.publishAsync('open/x', body)
      await arrived
    }
    const count = () => readings.read().find(({ name }) => name.includes('topics_messages_dropped'))?.value ?? 0
    expect(count()).toBeGreaterThan(0)
    // What is kept in its session comes once the client reads.
    await writer.publishAsync('open/last', 'last', { qos: 1 })
    kept.socket.resume()
    for (;;) if ((await kept.next('publish')).topic === 'open/last') break
  })

  test('hold for a client that says nothing, before it is let in and after', async () => {
    const clock = virtualClock()
    await house.start({ clock, maxKeepAlive: 30_000 })
    const client = await house.raw('ann', { keepalive: 10 })
    const forever = await house.raw('ann', { keepalive: 0, clientId: 'forever' })
    await clock.advance(14_000)
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    await clock.advance(14_000)
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    await clock.advance(15_001)
    await client.closed()
    await clock.advance(5_000)
    await forever.closed()
  })

  test('hold for sessions whose clients stay away', async () => {
    const clock = virtualClock()
    await house.start({ clock, sessionExpiry: 7_200_000 })
    const client = await house.client('ann', { clean: false })
    await client.subscribeAsync('open/#', { qos: 1 })
    await client.endAsync()
    const writer = await house.client('bob')
    await writer.publishAsync('open/x', 'x', { qos: 1 })
    expect(house.store.queues('topics/')).toHaveLength(1)
    writer.end(true)
    for (let hour = 0; hour < 4; hour += 1) await clock.advance(3_600_000)
    await expect.poll(() => house.store.queues('topics/')).toEqual([])
  })
})

/** Options of a house that fail to begin. */
test('a policy that is none is refused before anything begins', async () => {
  const options: Partial<FreeTopicsOptions> = { authorizations: [{ accounts: ['a'] }] }
  await expect(house.start(options)).rejects.toMatchObject({ code: 'TOPIC_POLICY' })
  await house.start()
})

test('a client that reads slowly gets everything that is retained', async () => {
  await house.start({ maxBufferedBytes: 262_144 })
  const writer = await house.client('bob')
  const body = Buffer.alloc(100_000, 'x')
  for (let number = 0; number < 100; number += 1) {
    await writer.publishAsync(`open/${number}`, body, { qos: 1, retain: true })
  }
  const reader = await house.raw('ann')
  reader.socket.pause()
  reader.send(subscribe(1, 'open/#'))
  // A message to everybody else passes it by.
  const other = await house.client('ann')
  await other.subscribeAsync('own/ann/x', { qos: 1 })
  await other.publishAsync('own/ann/x', 'y', { qos: 1 })
  await expect.poll(() => other.received).toHaveLength(1)
  reader.socket.resume()
  const topics = new Set<string>()
  while (topics.size < 100) topics.add((await reader.next('publish')).topic)
})
