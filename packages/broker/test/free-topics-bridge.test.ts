import { createMessage, EdgewrightError } from '@edgewright/core'
import { memoryModuleHost, virtualClock } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CompiledBridgeRules } from '../src/free-topics/bridge-rules.js'
import { telemetry } from './raw-mqtt-client.js'
import { TopicHouse } from './topic-house.js'

const RULES = {
  toRoutes: [
    { topics: 'open/+/temperature', output: 'temperature' },
    { topics: 'open/#', module: 'archive' },
  ],
  toTopics: [
    { input: 'alarm', topic: 'open/{{machine}}/alarm', qos: 2 as const },
    { input: 'state', topic: 'open/state', retain: true },
  ],
}
const published = (messageId: number, topic = 'open/m1/temperature') =>
  ({ cmd: 'publish', topic, payload: '21', qos: 1, messageId, dup: false, retain: false }) as const

describe('the bridge between free topics and routes', () => {
  const tooHot = (body: Uint8Array) => Buffer.from(body).toString() === '99'
  const clock = virtualClock()
  let house: TopicHouse
  let hub: ReturnType<typeof memoryModuleHost>

  beforeEach(async () => {
    const refuse = ({ body }: { body: Uint8Array }) =>
      tooHot(body) ? new EdgewrightError('MESSAGE_TOO_LARGE', 'no') : undefined
    hub = memoryModuleHost({ refuse })
    house = new TopicHouse()
    await house.start({ clock, bridge: { host: hub, ...RULES } })
  })

  afterEach(() => house.stop())

  test('makes messages of modules out of what clients publish, with topic and publisher', async () => {
    const plain = await house.raw('ann')
    plain.send(published(1))
    await plain.next('puback')
    const device = await house.hub('press-7')
    device.send(published(2, 'open/x'), telemetry('press-7', 3))
    await device.next('puback')
    expect(hub.sent.map(({ moduleId, message }) => [moduleId, message.system.outputName])).toEqual([
      ['topics', 'temperature'],
      ['archive', undefined],
      ['archive', undefined],
    ])
    const properties = (index: number) => Object.fromEntries(hub.sent[index]!.message.properties)
    expect(properties(0)).toEqual({ topic: 'open/m1/temperature', publisher: 'ann' })
    expect(properties(2)).toEqual({ topic: 'open/x', publisher: 'press-7' })
  })

  test('acknowledges nothing that the hub has refused', async () => {
    const plain = await house.raw('ann')
    plain.send(published(1), { ...published(2), payload: '99' }, published(3))
    await plain.closed()
    expect(plain.received.map(packet => packet.cmd === 'puback' && packet.messageId)).toEqual([1])
  })

  test('publishes what routes bring, settles it then, and does not take it in again', async () => {
    const plain = await house.client('ann')
    await plain.subscribeAsync('open/#', { qos: 2 })
    const message = createMessage({ body: 'hot', properties: { machine: 'm1' } })
    expect(await hub.deliver('topics', 'alarm', message)).toBe('completed')
    expect(await hub.deliver('topics', 'state', message)).toBe('completed')
    await expect.poll(() => plain.received).toHaveLength(2)
    // The client shows a message of QoS 2 once it is released.
    expect(plain.received).toContainEqual({ topic: 'open/m1/alarm', body: 'hot', qos: 2, retain: false })
    expect(plain.received).toContainEqual({ topic: 'open/state', body: 'hot', qos: 1, retain: false })
    const late = await house.client('bob')
    await late.subscribeAsync('open/#')
    await expect.poll(() => late.received).toMatchObject([{ topic: 'open/state', retain: true }])
    expect(hub.sent).toEqual([])
  })

  test.each([
    ['alarm', {}],
    ['alarm', { machine: '' }],
    ['alarm', { machine: 'm1/secret' }],
    ['alarm', { machine: '#' }],
    ['unknown', { machine: 'm1' }],
  ] as const)('rejects for the input %s what no rule can publish: %j', async (input, properties) => {
    expect(await hub.deliver('topics', input, createMessage({ body: 'x', properties }))).toBe('rejected')
  })

  test('gives back to the hub what the store did not take', async () => {
    const sleeper = await house.client('ann', { clean: false })
    await sleeper.subscribeAsync('open/#', { qos: 1 })
    house.store.hold()
    const settled = hub.deliver('topics', 'state', createMessage({ body: 'x' }))
    await expect.poll(() => house.store.held).toBe(1)
    house.store.cutOff()
    expect(await settled).toBe('abandoned')
    expect(await hub.deliver('topics', 'state', createMessage({ body: 'x' }))).toBe('completed')
  })

  test('acknowledges nothing while the hub has ended its session, and comes back by itself', async () => {
    const plain = await house.raw('ann')
    hub.end('topics', { kind: 'taken-over' })
    plain.send(published(1))
    await plain.closed()
    expect(plain.received).toEqual([])
    await clock.advance(1_000)
    const again = await house.raw('ann')
    again.send(published(2))
    expect(await again.next('puback')).toMatchObject({ messageId: 2 })
  })
})

test.each([
  [{ toRoutes: [{ topics: 'a' }, { topics: 'devices/#' }] }, 'toRoutes[1].topics'],
  [{ toRoutes: [{ topics: 'a#' }] }, 'toRoutes[0].topics'],
  [{ toTopics: [{ input: 'a', topic: '#' }] }, 'toTopics[0].topic'],
  [{ toTopics: [{ input: 'a', topic: '$SYS/{{x}}' }] }, 'toTopics[0].topic'],
])('%j are no rules', (rules, place) => {
  expect(() => new CompiledBridgeRules(rules)).toThrow(expect.objectContaining({ code: 'TOPIC_BRIDGE_RULE', place }))
})
