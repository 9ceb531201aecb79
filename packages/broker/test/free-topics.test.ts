import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TopicHouse } from './topic-house.js'
import { telemetry } from './raw-mqtt-client.js'

describe('free topics', () => {
  let house: TopicHouse

  beforeEach(async () => {
    house = new TopicHouse()
    await house.start()
  })

  afterEach(() => house.stop())

  test.each([0, 1, 2] as const)('go from client to client with QoS %i', async qos => {
    const subscriber = await house.client('ann')
    await subscriber.subscribeAsync('open/#', { qos })
    const publisher = await house.client('bob')
    for (const number of [1, 2, 3]) await publisher.publishAsync(`open/${number}`, String(number), { qos })
    await expect.poll(() => subscriber.received).toHaveLength(3)
    expect(subscriber.received.map(({ topic, qos }) => [topic, qos])).toEqual([
      ['open/1', qos],
      ['open/2', qos],
      ['open/3', qos],
    ])
  })

  test.each([
    [2, 1],
    [1, 0],
    [0, 2],
  ] as const)('published with QoS %i to a wildcard with QoS %i come with the lower', async (published, granted) => {
    for (const clean of [true, false]) {
      const subscriber = await house.client('ann', { clean, clientId: `clean-${clean}` })
      await subscriber.subscribeAsync('open/+', { qos: granted })
      const publisher = await house.client('bob')
      await publisher.publishAsync('open/x', 'x', { qos: published })
      await expect.poll(() => subscriber.received).toHaveLength(1)
      expect(subscriber.received[0]!.qos).toBe(Math.min(published, granted))
    }
  })

  test('retain the last message of a topic, over a restart, until an empty one comes', async () => {
    const publisher = await house.client('bob')
    await publisher.publishAsync('open/state', 'old', { qos: 1, retain: true })
    await publisher.publishAsync('open/state', 'new', { qos: 1, retain: true })
    await publisher.publishAsync('open/gone', 'x', { qos: 1, retain: true })
    await publisher.publishAsync('open/gone', '', { qos: 1, retain: true })
    for (const again of [false, true]) {
      if (again) await house.restart()
      const subscriber = await house.client('ann', { clientId: `ann-${again}` })
      await subscriber.subscribeAsync('open/#', { qos: 1 })
      await expect.poll(() => subscriber.received).toHaveLength(1)
      expect(subscriber.received[0]).toEqual({ topic: 'open/state', body: 'new', qos: 1, retain: true })
    }
  })

  test('publish the will of a client that is cut off, and not of one that takes its leave', async () => {
    const subscriber = await house.client('ann')
    await subscriber.subscribeAsync('open/#', { qos: 1 })
    const will = (topic: string) => ({ will: { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false } })
    const polite = await house.client('bob', { clientId: 'polite', ...will('open/polite') })
    await polite.endAsync()
    const rude = await house.raw('bob', will('open/rude'))
    rude.destroy()
    await expect.poll(() => subscriber.received).toHaveLength(1)
    expect(subscriber.received[0]).toMatchObject({ topic: 'open/rude', body: 'gone' })
  })

  test('publish the wills of clients that a crash of the gateway has cut off', async () => {
    const away = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await away.subscribeAsync('open/#', { qos: 1 })
    await away.endAsync()
    await house.raw('bob', { will: { topic: 'open/will', payload: Buffer.from('cut'), qos: 1, retain: false } })
    const cleanUp = await house.crash()
    const back = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await expect.poll(() => back.received).toMatchObject([{ topic: 'open/will', body: 'cut' }])
    await cleanUp()
  })

  test('keep what comes for a persistent session while its client is away, in order, over a restart', async () => {
    const away = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await away.subscribeAsync('open/#', { qos: 2 })
    await away.endAsync()
    const publisher = await house.client('bob')
    await publisher.publishAsync('open/0', 'not kept', { qos: 0 })
    const numbers = Array.from({ length: 250 }, (_, number) => number)
    await Promise.all(
      numbers.map(number => publisher.publishAsync('open/x', String(number), { qos: number % 2 === 0 ? 2 : 1 })),
    )
    await house.restart()
    const back = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await expect.poll(() => back.received).toHaveLength(250)
    for (const qos of [1, 2]) {
      const bodies = back.received.filter(message => message.qos === qos).map(({ body }) => Number(body))
      expect(bodies).toEqual(numbers.filter(number => (number % 2 === 0 ? 2 : 1) === qos))
    }
    await back.endAsync()
    const again = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await again.publishAsync('open/last', 'last', { qos: 1 })
    await expect.poll(() => again.received.map(({ body }) => body)).toEqual(['last'])
  })

  test('forget a session when its client wants a clean one', async () => {
    const away = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await away.subscribeAsync('open/#', { qos: 1 })
    await away.endAsync()
    const publisher = await house.client('bob')
    await publisher.publishAsync('open/x', 'x', { qos: 1 })
    const clean = await house.client('ann', { clean: true, clientId: 'sleeper' })
    await clean.endAsync()
    const back = await house.raw('ann', { clean: false, clientId: 'sleeper' })
    back.send({ cmd: 'pingreq' })
    expect((await back.any()).cmd).toBe('pingresp')
    expect(house.store.queues('topics/')).toEqual([])
  })

  test('leave the clients of IoT Hub on the same port as they were', async () => {
    const device = await house.hub('press-7')
    device.send(telemetry('press-7', 1, 'hello'))
    expect(await device.next('puback')).toMatchObject({ messageId: 1 })
    expect(house.host.taken).toMatchObject([{ sender: 'press-7' }])
  })
})

describe('acknowledgements on free topics', () => {
  let house: TopicHouse

  beforeEach(async () => {
    house = new TopicHouse()
    await house.start()
    const sleeper = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await sleeper.subscribeAsync('open/kept/#', { qos: 2 })
    await sleeper.endAsync()
  })

  afterEach(() => house.stop())

  const publish = (topic: string, messageId: number, qos: 1 | 2 = 1, dup = false) =>
    ({ cmd: 'publish', topic, payload: String(messageId), qos, messageId, dup, retain: false }) as const

  test('wait for the store, and keep the order in which the messages came', async () => {
    const publisher = await house.raw('bob')
    house.store.hold()
    // The second and the fourth have nothing to wait for but the others.
    publisher.send(publish('open/kept/a', 1), publish('open/x', 2), publish('open/kept/b', 3), publish('open/y', 4))
    await expect.poll(() => house.store.held).toBe(2)
    expect(publisher.received).toEqual([])
    house.store.release()
    for (const messageId of [1, 2, 3, 4]) expect(await publisher.any()).toMatchObject({ cmd: 'puback', messageId })
  })

  test('of QoS 2 wait for the store, and a repetition is not published again, also after a crash', async () => {
    const publisher = await house.raw('bob', { clean: false, clientId: 'writer' })
    publisher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'open/none', qos: 0 }] })
    await publisher.next('suback')
    publisher.send(publish('open/kept/a', 7, 2))
    expect(await publisher.any()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
    const cleanUp = await house.crash()
    const again = await house.raw('bob', { clean: false, clientId: 'writer' })
    again.send(publish('open/kept/a', 7, 2, true))
    expect(await again.any()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
    again.send({ cmd: 'pubrel', messageId: 7 })
    expect(await again.any()).toMatchObject({ cmd: 'pubcomp', messageId: 7 })
    const back = await house.client('ann', { clean: false, clientId: 'sleeper' })
    await back.publishAsync('open/kept/end', 'end', { qos: 2 })
    await expect.poll(() => back.received.map(({ body }) => body)).toEqual(['7', 'end'])
    await cleanUp()
  })

  test('that did not come before a crash were never due: what the store has not got is not acknowledged', async () => {
    const publisher = await house.raw('bob')
    house.store.hold()
    publisher.send(publish('open/kept/a', 1))
    await expect.poll(() => house.store.held).toBe(1)
    const cleanUp = await house.crash()
    expect(publisher.received).toEqual([])
    await cleanUp()
  })

  test('a message of QoS 2 is sent to a client once, whatever is cut off in between', async () => {
    const publisher = await house.client('bob')
    await publisher.publishAsync('open/kept/a', 'once', { qos: 2 })
    const login = { clean: false, clientId: 'sleeper' }
    const first = await house.raw('ann', login)
    const { messageId } = await first.next('publish')
    let cleanUp = await house.crash()
    const second = await house.raw('ann', login)
    expect(await second.next('publish')).toMatchObject({ messageId, dup: true, qos: 2 })
    second.send({ cmd: 'pubrec', messageId })
    await second.next('pubrel')
    await cleanUp()
    cleanUp = await house.crash()
    const third = await house.raw('ann', login)
    expect(await third.any()).toMatchObject({ cmd: 'pubrel', messageId })
    third.send({ cmd: 'pubcomp', messageId }, { cmd: 'pingreq' })
    expect((await third.any()).cmd).toBe('pingresp')
    await house.restart()
    const fourth = await house.raw('ann', login)
    fourth.send({ cmd: 'pingreq' })
    expect((await fourth.any()).cmd).toBe('pingresp')
    await cleanUp()
  })
})
