import { once } from 'node:events'
import { connect } from 'node:net'
import { EdgewrightError, type SendRefusal } from '@edgewright/core'
import { AMQP_BATCH_FORMAT, encodeAmqpBatch, encodeAmqpMessage } from '@edgewright/protocol'
import rhea, { type EventContext, type Message } from 'rhea'
import { describe, expect, test } from 'vitest'
import {
  COMMANDS,
  clock,
  data,
  device,
  dial,
  EVENTS,
  frontEnd,
  host,
  login,
  module,
  reasons,
  start,
} from './amqp-house.js'
import { ending, outcome, token } from './raw-amqp-client.js'

const refusal = (index: number, code = 'MESSAGE_TOO_LARGE'): SendRefusal => ({
  index,
  error: new EdgewrightError(code, 'why'),
})

describe('the way in', () => {
  test.each([
    ['no SASL', {}],
    ['ANONYMOUS', { username: 'anonymous' }],
  ])('is open with %s, and nothing is allowed before a token', async (_name, options) => {
    const client = await dial(options)
    await expect(client.sender(EVENTS)).rejects.toMatchObject({ condition: 'amqp:unauthorized-access' })
    await client.login(device)
    expect(await outcome(await client.sender(EVENTS), { body: data('x') })).toBe('accepted')
  })

  test('is open with PLAIN and a token as password', async () => {
    const client = await dial({ username: 'press-7@sas.hub', password: token(device) })
    expect(await outcome(await client.sender(EVENTS), { body: data('x') })).toBe('accepted')
  })

  test('is shut with PLAIN and a token of another key', async () => {
    const key = Buffer.from('other').toString('base64')
    await expect(dial({ username: 'press-7@sas.hub', password: token(device, { key }) })).rejects.toThrow('not let in')
  })

  test('closes for a peer whose idle time-out is too short', async () => {
    const client = await dial({ idle_time_out: 4_000 })
    await client.closed()
  })

  test('closes for a peer that does not log in within a minute, and for one that says nothing', async () => {
    const silent = connect(frontEnd.address().port, '127.0.0.1').resume()
    await once(silent, 'connect')
    const client = await dial()
    const known = await login(device)
    const silenced = once(silent, 'close')
    await clock.advance(60_000)
    await client.closed()
    await silenced
    expect(new Set(reasons)).toEqual(new Set(['no good credentials in time']))
    expect(known.connection.is_open()).toBe(true)
  })
})

describe('tokens', () => {
  test.each([
    ['text', 'text-id'],
    ['a UUID', rhea.types.wrap_uuid(Buffer.alloc(16, 7))],
    ['a number', rhea.types.wrap_ulong(77)],
  ])('are answered with the id of the request when it is %s', async (_name, id) => {
    const client = await dial()
    const answer = await client.putToken(token(device), id)
    const expected = typeof id === 'string' ? id : (id as { value: unknown }).value
    expect(answer.correlation_id).toEqual(expected)
    expect(answer.application_properties).toEqual({ 'status-code': 200, 'status-description': 'OK' })
  })

  test.each([
    ['is none', 'nonsense', 400],
    ['has another key', token(device, { key: Buffer.from('other').toString('base64') }), 401],
    ['has lapsed', token(device, { expiresAt: Date.now() - 400_000 }), 401],
    ['is of nobody', token({ deviceId: 'nobody' }), 401],
  ])('are refused when the token %s', async (_name, text, status) => {
    const client = await dial()
    expect((await client.putToken(text)).application_properties).toMatchObject({ 'status-code': status })
  })

  test('lapse, and take with them the links of their identity only; renewal keeps them', async () => {
    const client = await dial()
    await client.login(device, { expiresAt: clock.now() + 60_000 })
    await client.login(module, { expiresAt: clock.now() + 60_000 })
    const lapsing = await client.sender(EVENTS)
    const renewed = await client.sender('/devices/gateway/modules/filter/messages/events')
    await client.login(module, { expiresAt: clock.now() + 3_600_000 })
    const ended = ending(lapsing, 'sender')
    await clock.advance(362_000)
    expect(await ended).toBe('amqp:unauthorized-access')
    expect(await outcome(renewed, { body: data('x') })).toBe('accepted')
    expect(host.ends).toEqual([{ client: 'press-7', end: { kind: 'credentials-expired' } }])
  })
})

describe('links', () => {
  test.each([
    EVENTS,
    'devices/press-7/messages/events',
    'amqps://gateway.local/devices/press%2D7/messages/Events',
    '/Devices/press-7/Messages/events',
  ])('to %s are telemetry of the device', async address => {
    const client = await login(device)
    const sender = await client.sender(address)
    expect(await outcome(sender, { body: data('x') })).toBe('accepted')
    expect(host.taken).toMatchObject([{ sender: 'press-7' }])
    expect(sender.target.address).toBe(address)
    expect(sender.source).toBeDefined()
    expect(sender.max_message_size).toBe(1_048_576)
  })

  test.each([
    ['an address that does not exist', '/devices/press-7/elsewhere', 'amqp:not-found'],
    ['commands, from the client', COMMANDS, 'amqp:not-found'],
    ['another device', '/devices/other/messages/events', 'amqp:unauthorized-access'],
    ['a module of the device', '/devices/press-7/modules/m/messages/events', 'amqp:unauthorized-access'],
  ])('to %s are refused, and only they', async (_name, address, condition) => {
    const client = await login(device)
    await expect(client.sender(address)).rejects.toMatchObject({ condition })
    expect(await outcome(await client.sender(EVENTS), { body: data('x') })).toBe('accepted')
  })

  test('of many identities share one connection, each with its own sender', async () => {
    const client = await login(device, module)
    await outcome(await client.sender(EVENTS), { body: data('1') })
    await outcome(await client.sender('/devices/gateway/modules/filter/messages/events'), { body: data('2') })
    expect(host.taken.map(({ sender }) => sender)).toEqual(['press-7', 'gateway/filter'])
  })

  test('of a kind are stolen by a newer one, and the session stays', async () => {
    const client = await login(device)
    const older = await client.sender(EVENTS)
    const ended = ending(older, 'sender')
    const newer = await client.sender(EVENTS)
    expect(await ended).toBe('amqp:link:stolen')
    expect(await outcome(newer, { body: data('x') })).toBe('accepted')
    expect(host.ends).toEqual([])
  })

  test('of a twin pair are stolen by a partner of another correlation', async () => {
    const client = await login(device)
    const properties = (id: string) => ({ properties: { 'com.microsoft:channel-correlation-id': `twin:${id}` } })
    const older = await client.receiver('/devices/press-7/twin', properties('1'))
    await client.sender('/devices/press-7/twin', properties('1'))
    const ended = ending(older, 'receiver')
    await client.sender('/devices/press-7/twin', properties('2'))
    expect(await ended).toBe('amqp:link:stolen')
  })

  test('of a session that is taken over are detached, and the other identities stay', async () => {
    const client = await login(device, module)
    const sender = await client.sender(EVENTS)
    const other = await client.sender('/devices/gateway/modules/filter/messages/events')
    const ended = ending(sender, 'sender')
    const thief = await login(device)
    await thief.sender(EVENTS)
    expect(await ended).toBe('amqp:link:detach-forced')
    expect(await outcome(other, { body: data('x') })).toBe('accepted')
  })

  test('are refused when the hub is full', async () => {
    const client = await login(device)
    host.openSession = async () => {
      throw new EdgewrightError('CLIENT_LIMIT', 'There are 5 clients already')
    }
    await expect(client.sender(EVENTS)).rejects.toMatchObject({ condition: 'amqp:resource-limit-exceeded' })
  })
})

describe('telemetry', () => {
  test('is settled when it is durable, in the order in which it came', async () => {
    const client = await login(device)
    const sender = await client.sender(EVENTS)
    const stores: (() => void)[] = []
    host.durable = () => new Promise(resolve => stores.push(() => resolve([])))
    const settled: number[] = []
    const sent = [0, 1, 2].map(index => outcome(sender, { body: data('x') }).then(() => settled.push(index)))
    await host.until(() => stores.length === 1)
    expect(settled).toEqual([])
    stores[0]?.()
    await Promise.all(sent)
    expect(settled).toEqual([0, 1, 2])
    expect(host.batches).toEqual([3])
  })

  test('is refused one by one, each with its condition', async () => {
    const client = await login(device)
    const sender = await client.sender(EVENTS)
    host.durable = async () => [refusal(1), refusal(2, 'STORE_FULL'), refusal(4, 'OTHER')]
    const sent = [0, 1, 2, 3, 4].map(() => outcome(sender, { body: data('x') }))
    expect(await Promise.all(sent)).toEqual([
      'accepted',
      'amqp:link:message-size-exceeded',
      'com.microsoft:device-container-throttled',
      'accepted',
      'amqp:internal-error',
    ])
  })

  test('in the batch format is several messages with one outcome', async () => {
    const client = await login(device)
    const sender = await client.sender(EVENTS)
    const batch = encodeAmqpBatch(['1', '2', '3'].map(text => encodeAmqpMessage({ body: Buffer.from(text) })))
    expect(await outcome(sender, batch, AMQP_BATCH_FORMAT)).toBe('accepted')
    expect(host.taken.map(({ body }) => Buffer.from(body).toString())).toEqual(['1', '2', '3'])
    host.durable = async () => [refusal(1)]
    expect(await outcome(sender, batch, AMQP_BATCH_FORMAT)).toBe('amqp:link:message-size-exceeded')
    expect(await outcome(sender, Buffer.from('nonsense'), AMQP_BATCH_FORMAT)).toBe('amqp:decode-error')
    expect(await outcome(sender, { body: 5 })).toBe('amqp:decode-error')
  })

  test('of the largest size comes in many frames and is accepted', async () => {
    const client = await login(device)
    const sender = await client.sender(EVENTS)
    expect(await outcome(sender, { body: data(Buffer.alloc(262_144)) })).toBe('accepted')
    expect(host.taken[0]?.body).toHaveLength(262_144)
  })

  test('has credit only for what the store has taken', async () => {
    await frontEnd.stop()
    await start({ telemetryWindow: 4 })
    const client = await login(device)
    const sender = await client.sender(EVENTS)
    const stores: (() => void)[] = []
    host.durable = () => new Promise(resolve => stores.push(() => resolve([])))
    for (let index = 0; index < 4; index += 1) sender.send({ body: data('x') })
    await host.until(() => stores.length === 1)
    expect(sender.sendable()).toBe(false)
    const flow = once(sender, 'sendable')
    stores[0]?.()
    await flow
  })
})

describe('deliveries', () => {
  function deliver(count: number, input?: string): Promise<string>[] {
    const client = input === undefined ? 'press-7' : 'gateway/filter'
    return Array.from({ length: count }, (_, index) => {
      return new Promise<string>(settle => {
        const message = { body: Buffer.from(String(index)), properties: new Map(), system: {} }
        host.session(client).peer.deliver([{ message, input, redelivered: false, settle }])
      })
    })
  }

  test.each([
    ['first', 0],
    ['second', 1],
  ])('with receiver-settle-mode %s go on beyond what the library can hold', async (_name, mode) => {
    const client = await login(device)
    const receiver = await client.receiver(COMMANDS, { rcv_settle_mode: mode, credit_window: 100 })
    receiver.on('message', (context: EventContext) => context.delivery?.accept())
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    for (let round = 0; round < 3; round += 1) {
      expect(new Set(await Promise.all(deliver(1_000)))).toEqual(new Set(['completed']))
    }
  })

  test('are settled as the client says, and given back when their link goes', async () => {
    const client = await login(device)
    const receiver = await client.receiver(COMMANDS, { credit_window: 0 })
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    const settled = deliver(6)
    const contexts: EventContext[] = []
    const received = new Promise<void>(resolve =>
      receiver.on('message', (context: EventContext) => contexts.push(context) === 5 && resolve()),
    )
    receiver.add_credit(5)
    await received
    // One at a time: the library of the client folds outcomes of one turn into the first of them.
    contexts[0]?.delivery?.accept()
    expect(await settled[0]).toBe('completed')
    contexts[1]?.delivery?.reject()
    expect(await settled[1]).toBe('rejected')
    contexts[2]?.delivery?.release()
    expect(await settled[2]).toBe('abandoned')
    contexts[3]?.delivery?.modified({ delivery_failed: true })
    expect(await settled[3]).toBe('abandoned')
    receiver.close()
    expect(await Promise.all(settled.slice(4))).toEqual(['abandoned', 'abandoned'])
    const message = contexts[0]?.message as Message
    expect(message.to).toBe(COMMANDS)
    expect(message.message_annotations?.['x-opt-lock-token']).toMatch(/^[\da-f-]{36}$/)
    expect(contexts[0]?.delivery?.tag).toHaveLength(16)
  })

  test('that are settled together with the leave count as settled', async () => {
    const client = await login(device)
    const receiver = await client.receiver(COMMANDS)
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    receiver.on('message', ({ delivery }: EventContext) => {
      delivery!.accept()
      client.connection.close()
    })
    expect(await Promise.all(deliver(1))).toEqual(['completed'])
  })

  test('on an input carry its name and the sender', async () => {
    const client = await login(module)
    const receiver = await client.receiver('/devices/gateway/modules/filter/messages/events')
    await host.until(() => host.sessions.get('gateway/filter')?.subscriptions.has('inputs'))
    const settled = deliver(1, 'readings')
    const [context] = await once(receiver, 'message')
    expect(context.message.message_annotations).toMatchObject({ 'x-opt-input-name': 'readings' })
    context.delivery.accept()
    expect(await settled[0]).toBe('completed')
  })

  test('that wait for credit hold up no other link of the session', async () => {
    const client = await login(device)
    await client.receiver(COMMANDS, { credit_window: 0 })
    await client.receiver('/devices/press-7/methods/devicebound')
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('methods'))
    deliver(10)
    const call = { name: 'go', responseTimeout: 5_000, connectTimeout: 0 }
    host
      .session('press-7')
      .peer.method(call, new AbortController().signal)
      .catch(() => undefined)
    await host.until(() => true)
    const [context] = await once(client.connection, 'message')
    expect(context.message.application_properties).toEqual({ 'IoThub-methodname': 'go' })
  })

  test('for which nothing is left are drained', async () => {
    const client = await login(device)
    const receiver = await client.receiver(COMMANDS, { credit_window: 0 })
    receiver.add_credit(10)
    const drained = once(receiver, 'receiver_drained')
    receiver.drain_credit()
    await drained
  })
})

describe('what a peer may not do', () => {
  /** Sends bytes after the header, and resolves when the connection is gone. */
  async function send(...frames: readonly Buffer[]): Promise<void> {
    const socket = connect(frontEnd.address().port, '127.0.0.1').resume()
    socket.write(Buffer.concat([Buffer.from('AMQP\0\x01\0\0', 'latin1'), ...frames]))
    await once(socket, 'close')
  }

  function frame(performative: Buffer, channel = 0): Buffer {
    const header = Buffer.from([0, 0, 0, 0, 2, 0, channel >> 8, channel & 0xff])
    header.writeUInt32BE(header.length + performative.length)
    return Buffer.concat([header, performative])
  }

  /** A performative: descriptor and a list of encoded fields. */
  function performative(code: number, ...fields: readonly string[]): Buffer {
    const body = Buffer.from(fields.join(''), 'hex')
    const list = Buffer.from([0xd0, 0, 0, 0, 0, 0, 0, 0, 0])
    list.writeUInt32BE(body.length + 4, 1)
    list.writeUInt32BE(fields.length, 5)
    return Buffer.concat([Buffer.from([0, 0x53, code]), list, body])
  }

  const OPEN = frame(performative(0x10, 'a10161'))
  const BEGIN = frame(performative(0x11, '40', '43', '70000007d0', '70000007d0'))

  test.each([
    ['claim a frame of two gigabytes', [Buffer.from('7fffffff02000000', 'hex')]],
    ['send a frame shorter than its header', [Buffer.from('0000000402000000', 'hex')]],
    ['send bytes that are no frame', [OPEN, Buffer.alloc(1_000, 0xee)]],
    ['speak another protocol', [Buffer.from('HTTP/1.1 200 OK\r\n\r\n')]],
    ['open twice', [OPEN, OPEN]],
    ['attach before a session', [OPEN, frame(performative(0x12, 'a10161', '43', '42'))]],
    [
      'claim four billion elements that take no bytes',
      [OPEN, BEGIN, frame(performative(0x12, 'f000000009ffffffff40'))],
    ],
    [
      'claim thirty million elements in a short list',
      [OPEN, BEGIN, frame(Buffer.from('005312d000000004' + '01ffffff', 'hex'))],
    ],
    [
      'settle four billion deliveries at once',
      [OPEN, BEGIN, frame(performative(0x15, '41', '43', '70ffffffff', '41'))],
    ],
    [
      'nest lists without end',
      [OPEN, frame(Buffer.concat([Buffer.from([0, 0x53, 0x10]), Buffer.alloc(60_000, 0xc0)]))],
    ],
  ])('is to %s', async (_name, frames) => {
    const neighbour = await login(device)
    const sender = await neighbour.sender(EVENTS)
    await send(...frames)
    expect(await outcome(sender, { body: data('x') })).toBe('accepted')
  })

  test('is to send more than its credit', async () => {
    await frontEnd.stop()
    await start({ telemetryWindow: 4 })
    host.durable = () => new Promise(() => undefined)
    const client = await login(device)
    const sender = await client.sender(EVENTS)
    ;(sender as unknown as { credit: number }).credit = 10
    for (let index = 0; index < 10; index += 1) sender.send({ body: data('x') })
    await client.closed()
    expect(reasons).toContain('more transfers than the link had credit for')
  })

  test('is to leave too much unfinished', async () => {
    await frontEnd.stop()
    await start({ maxPartialBytes: 100_000 })
    const client = await login(device)
    const sender = await client.sender(EVENTS)
    sender.send({ body: data(Buffer.alloc(1_000_000)) })
    await client.closed()
    expect(reasons).toContain('too many bytes of unfinished messages')
  })

  test.each([
    ['sessions', { maxSessions: 3 }],
    ['links', { maxLinks: 3 }],
  ])('is to open too many %s', async (name, limits) => {
    await frontEnd.stop()
    await start(limits)
    const client = await dial()
    for (let index = 0; index < 4; index += 1) {
      const session = client.connection.create_session()
      session.on('session_error', () => undefined)
      session.open()
      session.open_receiver('$cbs')
    }
    await client.closed()
    expect(reasons).toContain(`too many ${name}`)
  })
})

test('what was read is durable and settled before the front-end stops', async () => {
  const client = await login(device)
  const sender = await client.sender(EVENTS)
  let store: (() => void) | undefined
  host.durable = () =>
    new Promise(resolve => {
      store = () => resolve([])
    })
  const settled = outcome(sender, { body: data('x') })
  await host.until(() => store)
  const stopped = frontEnd.stop()
  store?.()
  await stopped
  expect(await settled).toBe('accepted')
  expect(host.ends).toEqual([{ client: 'press-7', end: { kind: 'hub-stopping' } }])
})
