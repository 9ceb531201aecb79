import { createMessage, type SystemProperties } from '@edgewright/core'
import { type VirtualClock, virtualClock } from '@edgewright/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { Commands } from './commands.js'
import type { Feedback } from './feedback.js'
import { Registry } from './registry.js'
import type { StoredCommand } from './stored-command.js'

const PRESS = { deviceId: 'press' }

let clock: VirtualClock
let records: Map<string, StoredCommand>
let registry: Registry
let feedback: Feedback[]
let available: number
let commands: Commands

function open(): Commands {
  return new Commands({
    records,
    registry,
    clock,
    available: () => void (available += 1),
    feedback: record => feedback.push(record),
  })
}

beforeEach(() => {
  clock = virtualClock()
  records = new Map()
  registry = new Registry(new Map(), () => 0)
  registry.createDevice(PRESS)
  feedback = []
  available = 0
  commands = open()
})

const send = (body: string, system: SystemProperties = {}) => commands.send(PRESS, createMessage({ body, system }))
const receive = () => {
  const delivery = commands.receive(PRESS)
  return delivery && { ...delivery, body: Buffer.from(delivery.message.body).toString() }
}

test('messages are given in order, once each, until they are settled', () => {
  send('one')
  send('two')
  const one = receive()
  expect([one?.body, receive()?.body, receive()]).toEqual(['one', 'two', undefined])
  expect(commands.complete(PRESS, one?.lockToken ?? '')).toBe(true)
  expect(commands.complete(PRESS, one?.lockToken ?? '')).toBe(false)
  expect(commands.count(PRESS)).toBe(1)
})

test('a lock lapses after a minute, which is no failed delivery', async () => {
  send('one')
  const first = receive()
  await clock.advance(60_000)
  expect(available).toBe(2)
  expect(commands.complete(PRESS, first?.lockToken ?? '')).toBe(false)
  expect(receive()?.message.system.deliveryCount).toBe(0)
})

describe('the sender is told', () => {
  test.each([
    ['full', 'complete', ['Success']],
    ['positive', 'complete', ['Success']],
    ['negative', 'complete', []],
    ['none', 'complete', []],
    ['full', 'reject', ['Rejected']],
    ['negative', 'reject', ['Rejected']],
    ['positive', 'reject', []],
  ] as const)('with ack %s after %s: %j', (ack, settle, expected) => {
    send('one', { messageId: 'c-1', ack })
    commands[settle](PRESS, receive()?.lockToken ?? '')
    expect(feedback.map(({ statusCode }) => statusCode)).toEqual(expected)
  })

  test('when a message was given ten times in vain', () => {
    send('one', { ack: 'full' })
    for (let times = 0; times < 10; times += 1) commands.abandon(PRESS, receive()?.lockToken ?? '')
    expect(receive()).toBeUndefined()
    expect(feedback).toMatchObject([{ statusCode: 'DeliveryCountExceeded', identity: PRESS }])
  })

  test('when a message expires, and not while a client holds it', async () => {
    send('held', { ack: 'full', expiryTime: new Date(clock.now() + 30_000).toISOString() })
    send('waiting', { ack: 'full' })
    const held = receive()
    await clock.advance(30_000)
    expect(commands.complete(PRESS, held?.lockToken ?? '')).toBe(true)
    await clock.advance(3_600_000)
    expect(commands.count(PRESS)).toBe(0)
    expect(feedback.map(({ statusCode }) => statusCode)).toEqual(['Success', 'Expired'])
  })

  test('when messages are purged', () => {
    send('one', { ack: 'negative' })
    send('two')
    expect(commands.purge(PRESS)).toBe(2)
    expect(feedback.map(({ statusCode }) => statusCode)).toEqual(['Purged'])
  })
})

test('fifty messages may wait, of 64 KiB each, for a device that exists', () => {
  for (let n = 0; n < 50; n += 1) send(String(n))
  expect(() => send('one more')).toThrow(expect.objectContaining({ code: 'HUB_QUEUE_FULL' }))
  expect(() => send('x'.repeat(65_537))).toThrow(expect.objectContaining({ code: 'HUB_MESSAGE_TOO_LARGE' }))
  expect(() => commands.send({ deviceId: 'ghost' }, createMessage({}))).toThrow(
    expect.objectContaining({ code: 'HUB_DEVICE_NOT_FOUND' }),
  )
})

test('what waits is found again by another instance over the same records, and goes with its device', () => {
  send('one', { messageId: 'c-1' })
  commands = open()
  expect(receive()).toMatchObject({ body: 'one', message: { system: { messageId: 'c-1', sequenceNumber: 1 } } })
  registry.remove(PRESS)
  expect(records.size).toBe(0)
})
