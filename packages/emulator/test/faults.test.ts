import { once } from 'node:events'
import { virtualClock } from '@edgewright/testkit'
import type { IPublishPacket } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FaultSpecification } from '../src/index.js'
import { AmqpClient } from './support/amqp-client.js'
import { startEmulator, type TestEmulator } from './support/emulator.js'
import { call } from './support/http-client.js'
import { MqttClient } from './support/mqtt-client.js'
import { policyToken } from './support/tokens.js'

const SENSOR = { deviceId: 'sensor' }
const OTHER = { deviceId: 'other' }
const EVENTS = 'devices/sensor/messages/events/'

let running: TestEmulator
beforeEach(async () => {
  running = await startEmulator()
  running.emulator.registry.createDevice(SENSOR)
  running.emulator.registry.createDevice(OTHER)
})
afterEach(() => running[Symbol.asyncDispose]())

const bodies = () => running.emulator.events.snapshot().map(({ message }) => Buffer.from(message.body).toString())

async function connected(): Promise<AmqpClient> {
  const client = new AmqpClient(running)
  const session = client.session()
  for (const identity of [SENSOR, OTHER]) await client.putToken(session, client.token(identity))
  return client
}

describe('on a connection that two devices share', () => {
  test('a cut of one of them leaves the other alone', async () => {
    await using client = await connected()
    const cut = running.emulator.faults.inject({ kind: 'cut', target: { identity: 'sensor' } })
    const session = client.session()
    expect(await client.putToken(session, client.token(SENSOR))).toBe(503)
    expect(await client.send(session, SENSOR, ['x'])).toBe('amqp:unauthorized-access')
    expect(await client.send(client.session(), OTHER, ['y'])).toBe('accepted')
    cut.lift()
    expect(await client.putToken(client.session(), client.token(SENSOR))).toBe(200)
    expect(await client.send(client.session(), SENSOR, ['z'])).toBe('accepted')
  })

  test('tokens of one of them lapse on command', async () => {
    await using client = await connected()
    const sender = client.session().open_sender({ target: { address: '/devices/sensor/messages/events' } })
    await once(sender, 'sendable')
    const detached = once(sender, 'sender_error')
    running.emulator.faults.expireTokens({ identity: 'sensor' })
    await detached
    expect(sender.error).toMatchObject({ condition: 'amqp:unauthorized-access' })
    expect(await client.send(client.session(), OTHER, ['y'])).toBe('accepted')
  })

  test('telemetry of one of them is throttled, and every second message of the other rejected', async () => {
    const { faults } = running.emulator
    await using client = await connected()
    faults.inject({ kind: 'throttle', target: { identity: 'sensor' } })
    faults.inject({ kind: 'reject', as: 'QuotaExceeded', every: 2, target: { identity: 'other' } })
    expect(await client.send(client.session(), SENSOR, ['x'])).toBe('com.microsoft:device-container-throttled')
    expect(await client.send(client.session(), OTHER, ['1', '2', '3'])).toBe('com.microsoft:quota-exceeded')
    expect(bodies()).toEqual(['1', '3'])
    expect(faults.list().map(({ strikes }) => strikes)).toEqual([1, 1])
  })
})

test('a connection is dropped as the nth message comes, and the message is not taken', async () => {
  running.emulator.faults.inject({ kind: 'drop', nth: 3 })
  await using client = await connected()
  expect(await client.send(client.session(), SENSOR, ['1', '2', '3', '4'])).toBe('disconnected')
  expect(bodies()).toEqual(['1', '2'])
  await using again = await connected()
  expect(await again.send(again.session(), SENSOR, ['3', '4'])).toBe('accepted')
})

test('a silent connection stays open and says nothing until the silence is lifted', async () => {
  await using client = new MqttClient(running)
  await client.connect(SENSOR)
  const silence = running.emulator.faults.inject({ kind: 'silence', target: { transport: 'mqtt' } })
  client.publish(EVENTS, 'x', 7)
  await using witness = await connected()
  expect(await witness.send(witness.session(), OTHER, ['y'])).toBe('accepted')
  expect([client.received, client.socket.destroyed]).toEqual([[], false])
  silence.lift()
  expect(await client.next('puback')).toMatchObject({ messageId: 7 })
})

test('what is delayed or slow comes late, and in order', async () => {
  const clock = virtualClock({ start: Date.now() })
  await using own = await startEmulator({ clock })
  own.emulator.registry.createDevice(SENSOR)
  await using client = new MqttClient(own)
  await client.connect(SENSOR)
  own.emulator.faults.inject({ kind: 'delay', milliseconds: 200 })
  own.emulator.twins.change(SENSOR, { desired: { n: 1 } }, 'merge')
  client.send({ cmd: 'publish', topic: '$iothub/twin/GET/?$rid=1', payload: ' ', qos: 0, dup: false, retain: false })
  const timers = clock.pending.length
  await clock.untilPending(timers + 1)
  await clock.advance(399)
  expect(client.received).toEqual([])
  await clock.advance(1)
  expect(((await client.next('publish')) as IPublishPacket).topic).toBe('$iothub/twin/res/200/?$rid=1')
})

test('a fault is lifted by itself when its time is over, and a fail-over ends every connection meanwhile', async () => {
  const clock = virtualClock({ start: Date.now() })
  await using own = await startEmulator({ clock })
  own.emulator.registry.createDevice(SENSOR)
  const client = new MqttClient(own)
  await client.connect(SENSOR)
  own.emulator.faults.failOver()
  await client.closed
  const refused = new MqttClient(own)
  await refused.closed
  await expect(call(own, 'GET', '/devices?api-version=1', { token: policyToken(own.emulator) })).rejects.toThrow()
  await clock.advance(5_000)
  await using again = new MqttClient(own)
  expect(await again.connect(SENSOR)).toMatchObject({ returnCode: 0 })
})

test('the same seed strikes in the same places, another one in others', async () => {
  const course = async (seed: number): Promise<string[]> => {
    await using own = await startEmulator({ seed })
    own.emulator.registry.createDevice(SENSOR)
    own.emulator.faults.inject({ kind: 'reject', probability: 0.5 })
    await using client = new AmqpClient(own)
    const session = client.session()
    await client.putToken(session, client.token(SENSOR))
    for (let n = 0; n < 24; n += 1) await client.send(session, SENSOR, [String(n)])
    return own.emulator.events.snapshot().map(({ message }) => Buffer.from(message.body).toString())
  }
  expect(await course(7)).toEqual(await course(7))
  expect(await course(7)).not.toEqual(await course(8))
})

describe('over HTTP', () => {
  const control = (method: string, path: string, body?: unknown) => call(running, method, `/$emulator${path}`, { body })

  test('faults are injected, listed and lifted', async () => {
    const fault: FaultSpecification = { kind: 'throttle', target: { side: 'service' } }
    expect(await control('POST', '/faults', fault)).toMatchObject({ status: 201, json: { id: 1, ...fault } })
    const token = policyToken(running.emulator)
    expect((await call(running, 'GET', '/devices', { token })).status).toBe(429)
    expect((await control('GET', '/faults')).json).toEqual([{ id: 1, ...fault, strikes: 1 }])
    expect((await control('DELETE', '/faults/1')).status).toBe(204)
    expect((await call(running, 'GET', '/devices', { token })).status).toBe(200)
    expect((await control('DELETE', '/faults/1')).status).toBe(404)
  })

  test('connections are dropped once', async () => {
    await using client = await connected()
    const lost = once(client.connection, 'disconnected')
    expect((await control('POST', '/drop', { identity: 'sensor' })).status).toBe(204)
    await lost
  })

  test.each([
    [{}, /kind must be one of cut/],
    [{ kind: 'delay' }, /milliseconds/],
    [{ kind: 'reject', as: 'Whim' }, /as must be one of/],
    [{ kind: 'cut', target: { colour: 'red' } }, /target.colour/],
  ])('%j is refused', async (fault, reason) => {
    expect(await control('POST', '/faults', fault)).toMatchObject({
      status: 400,
      json: { Message: expect.stringMatching(reason) },
    })
  })
})
