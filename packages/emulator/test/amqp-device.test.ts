import { once } from 'node:events'
import { createMessage } from '@edgewright/core'
import {
  AMQP_BATCH_FORMAT,
  encodeAmqpBatch,
  encodeAmqpMessage,
  formatLinkAddress,
  telemetryToAmqp,
} from '@edgewright/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AmqpClient } from './support/amqp-client.js'
import { startEmulator, type TestEmulator } from './support/emulator.js'

let running: TestEmulator
beforeEach(async () => void (running = await startEmulator()))
afterEach(() => running[Symbol.asyncDispose]())

const bodies = () =>
  running.emulator.events.snapshot().map(({ sender, message }) => [sender.deviceId, text(message.body)])
const text = (body: Uint8Array) => Buffer.from(body).toString()

test('one connection carries many identities, each on a session of its own', async () => {
  const deviceIds = Array.from({ length: 50 }, (_, index) => `device-${index}`)
  for (const deviceId of deviceIds) running.emulator.registry.createDevice({ deviceId })
  await using client = new AmqpClient(running)
  const verdicts = await Promise.all(
    deviceIds.map(async deviceId => {
      const session = client.session()
      expect(await client.putToken(session, client.token({ deviceId }))).toBe(200)
      return client.send(session, { deviceId }, ['first', 'second'])
    }),
  )
  expect(new Set(verdicts)).toEqual(new Set(['accepted']))
  for (const deviceId of deviceIds) {
    expect(bodies().filter(([sender]) => sender === deviceId)).toEqual([
      [deviceId, 'first'],
      [deviceId, 'second'],
    ])
  }
})

test.each([2, 3])(
  'of many messages that come at once each gets its own outcome, with every %i. refused',
  async every => {
    const identity = { deviceId: 'press' }
    running.emulator.registry.createDevice(identity)
    running.emulator.faults.inject({ kind: 'reject', as: 'QuotaExceeded', every })
    await using client = new AmqpClient(running)
    const session = client.session()
    await client.putToken(session, client.token(identity))
    const sender = session.open_sender({ target: { address: formatLinkAddress('events', identity) } })
    await once(sender, 'sendable')
    const outcomes = new Map<unknown, string>()
    const isDone = new Promise<void>(resolve => {
      for (const outcome of ['accepted', 'rejected']) {
        sender.on(outcome, ({ delivery }) => void (outcomes.set(delivery, outcome).size === 60 && resolve()))
      }
    })
    const numbers = Array.from({ length: 60 }, (_, n) => n)
    const deliveries = numbers.map(n =>
      sender.send(encodeAmqpMessage(telemetryToAmqp(createMessage({ body: String(n) }))), undefined, 0),
    )
    await isDone
    const isRefused = (n: number) => (n + 1) % every === 0
    expect(deliveries.map(delivery => outcomes.get(delivery))).toEqual(
      numbers.map(n => (isRefused(n) ? 'rejected' : 'accepted')),
    )
    expect(bodies().map(([, body]) => body)).toEqual(numbers.filter(n => !isRefused(n)).map(String))
  },
)

test('a link is refused to an identity that this connection has not proven', async () => {
  running.emulator.registry.createDevice({ deviceId: 'honest' })
  running.emulator.registry.createDevice({ deviceId: 'victim' })
  await using client = new AmqpClient(running)
  const session = client.session()
  expect(await client.putToken(session, client.token({ deviceId: 'honest' }))).toBe(200)
  expect(await client.send(session, { deviceId: 'victim' }, ['forged'])).toBe('amqp:unauthorized-access')
  expect(bodies()).toEqual([])
})

test('stamps in a message count for nothing', async () => {
  running.emulator.registry.createDevice({ deviceId: 'honest' })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'honest' }))
  const forged = encodeAmqpMessage({
    message_annotations: { 'iothub-connection-device-id': 'victim' },
    body: Buffer.from('x'),
  })
  await client.sendRaw(session, formatLinkAddress('events', { deviceId: 'honest' }), [forged])
  expect(running.emulator.events.snapshot()[0]).toMatchObject({
    sender: { deviceId: 'honest' },
    message: { system: { connectionDeviceId: 'honest' } },
  })
})

test.each([
  ['a wrong key', { key: Buffer.alloc(32, 7).toString('base64') }, 401],
  ['a token that lapsed more than the skew ago', { expiresAt: Date.now() - 301_000 }, 401],
])('%s is refused as the token is put', async (_, token, status) => {
  running.emulator.registry.createDevice({ deviceId: 'sensor' })
  await using client = new AmqpClient(running)
  expect(await client.putToken(client.session(), client.token({ deviceId: 'sensor' }, token))).toBe(status)
})

test('a disabled device is refused, and parted from when it is connected', async () => {
  const { registry } = running.emulator
  registry.createDevice({ deviceId: 'sensor' })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'sensor' }))
  const sender = session.open_sender({ target: { address: formatLinkAddress('events', { deviceId: 'sensor' }) } })
  await once(sender, 'sendable')
  const parted = once(sender, 'sender_error')
  registry.setStatus('sensor', 'disabled')
  await parted
  expect((sender.error as { condition: string }).condition).toBe('amqp:unauthorized-access')
  expect(await client.putToken(session, client.token({ deviceId: 'sensor' }))).toBe(401)
})

test('a batch is one delivery of many messages', async () => {
  running.emulator.registry.createDevice({ deviceId: 'sensor' })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'sensor' }))
  const parts = ['a', 'b', 'c'].map(body => encodeAmqpMessage(telemetryToAmqp(createMessage({ body }))))
  const address = formatLinkAddress('events', { deviceId: 'sensor' })
  expect(await client.sendRaw(session, address, [encodeAmqpBatch(parts)], { format: AMQP_BATCH_FORMAT })).toBe(
    'accepted',
  )
  expect(bodies()).toEqual([
    ['sensor', 'a'],
    ['sensor', 'b'],
    ['sensor', 'c'],
  ])
})

test('a message that is too large is rejected with an error, and the link goes on', async () => {
  running.emulator.registry.createDevice({ deviceId: 'sensor' })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'sensor' }))
  expect(await client.send(session, { deviceId: 'sensor' }, ['x'.repeat(262_145)])).toBe(
    'amqp:link:message-size-exceeded',
  )
  expect(await client.send(session, { deviceId: 'sensor' }, ['x'])).toBe('accepted')
})

test('SASL PLAIN proves an identity without a token link', async () => {
  running.emulator.registry.createDevice({ deviceId: 'sensor' })
  const maker = new AmqpClient(running)
  const password = maker.token({ deviceId: 'sensor' })
  await maker[Symbol.asyncDispose]()
  await using client = new AmqpClient(running, { username: 'sensor@sas.hub', password })
  expect(await client.send(client.session(), { deviceId: 'sensor' }, ['plain'])).toBe('accepted')
})

test('a cut drops the device side and refuses it until it is restored', async () => {
  running.emulator.registry.createDevice({ deviceId: 'sensor' })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'sensor' }))
  expect(await client.send(session, { deviceId: 'sensor' }, ['before'])).toBe('accepted')
  const dropped = once(client.connection, 'disconnected')
  running.emulator.cut()
  await dropped

  const refused = new AmqpClient(running)
  const lost = once(refused.connection, 'disconnected')
  void refused.putToken(refused.session(), refused.token({ deviceId: 'sensor' }))
  await lost

  running.emulator.restore()
  await using again = new AmqpClient(running)
  const next = again.session()
  expect(await again.putToken(next, again.token({ deviceId: 'sensor' }))).toBe(200)
  expect(await again.send(next, { deviceId: 'sensor' }, ['after'])).toBe('accepted')
  expect(bodies()).toEqual([
    ['sensor', 'before'],
    ['sensor', 'after'],
  ])
})

test('a frame that claims to be huge ends its connection', async () => {
  const { connect } = await import('node:tls')
  const { address, ports } = running.emulator
  const socket = connect({ host: address, port: ports.amqp, ca: running.ca })
  await once(socket, 'secureConnect')
  const closed = once(socket, 'close')
  socket.write(
    Buffer.concat([Buffer.from('AMQP\0\x01\0\0', 'latin1'), Buffer.from([0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0])]),
  )
  socket.resume()
  await closed
})

test('of messages that come together, the outcome of each is its own', async () => {
  const { emulator } = running
  emulator.registry.createDevice({ deviceId: 'sensor' })
  emulator.faults.inject({ kind: 'reject', every: 3 })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'sensor' }))
  const sender = session.open_sender({ target: { address: formatLinkAddress('events', { deviceId: 'sensor' }) } })
  await once(sender, 'sendable')
  const outcomes = new Map<number, string>()
  const all = new Promise<void>(resolve => {
    for (const outcome of ['accepted', 'rejected']) {
      sender.on(outcome, ({ delivery }) => {
        outcomes.set(delivery.id, outcome)
        if (outcomes.size === 30) resolve()
      })
    }
  })
  const first = sender.send({ body: '0' }).id
  for (let n = 1; n < 30; n += 1) sender.send({ body: String(n) })
  await all
  const rejected = [...outcomes].filter(([, outcome]) => outcome === 'rejected').map(([id]) => id - first)
  expect(rejected.sort((a, b) => a - b)).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 29])
  expect(emulator.events.snapshot()).toHaveLength(20)
})

test('a gateway speaks for what stands behind it, by a chain that begins there and ends with itself', async () => {
  const { registry } = running.emulator
  registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  registry.createDevice({ deviceId: 'leaf', parentId: 'gateway' })
  registry.createDevice({ deviceId: 'stranger' })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'gateway', moduleId: '$edgeHub' }))
  const payload = encodeAmqpMessage({ body: Buffer.from('x') })
  const speak = (deviceId: string, chain?: string) =>
    client.sendRaw(client.session(), formatLinkAddress('events', { deviceId }), [payload], {
      properties: chain === undefined ? {} : { 'com.microsoft:auth-chain': chain },
    })
  expect(await speak('leaf', 'leaf;gateway')).toBe('accepted')
  for (const [deviceId, chain] of [
    ['leaf'],
    ['leaf', 'stranger;gateway'],
    ['leaf', 'leaf;other'],
    ['stranger', 'stranger;gateway'],
  ] as const) {
    expect(await speak(deviceId, chain)).toBe('amqp:unauthorized-access')
  }
  expect(bodies()).toEqual([['leaf', 'x']])
})
