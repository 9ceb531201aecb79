import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { SessionEnd } from '@edgewright/core'
import type { EventContext, Session } from 'rhea'
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

const MODULE_EVENTS = '/devices/gateway/modules/filter/messages/events'
const FORGED = token(device, { key: Buffer.from('other').toString('base64') })

describe('bad logins', () => {
  test('are answered more and more slowly, and good ones of the same address at once', async () => {
    const client = await dial()
    for (let free = 0; free < 5; free++) await client.putToken(FORGED)
    let isAnswered = false
    const held = client.putToken(FORGED).then(answer => {
      isAnswered = true
      return answer
    })
    const good = await login(module)
    expect(await outcome(await good.sender(MODULE_EVENTS), { body: data('x') })).toBe('accepted')
    expect(isAnswered).toBe(false)
    await clock.advance(100)
    expect((await held).application_properties).toMatchObject({ 'status-code': 401 })
  })

  test('count the same with PLAIN', async () => {
    const plain = (password: string) => dial({ username: 'press-7@sas.hub', password })
    for (let free = 0; free < 5; free++) await expect(plain(FORGED)).rejects.toThrow('not let in')
    let isShut = false
    const held = plain(FORGED).catch(() => (isShut = true))
    const good = await plain(token(device))
    expect(await outcome(await good.sender(EVENTS), { body: data('x') })).toBe('accepted')
    expect(isShut).toBe(false)
    await clock.advance(100)
    await held
    expect(isShut).toBe(true)
  })
})

describe('a session that the hub ends', () => {
  const ENDS: [SessionEnd, string][] = [
    [{ kind: 'identity-disabled' }, 'amqp:unauthorized-access'],
    [{ kind: 'credentials-expired' }, 'amqp:unauthorized-access'],
    [{ kind: 'taken-over' }, 'amqp:link:detach-forced'],
    [{ kind: 'hub-stopping' }, 'amqp:link:detach-forced'],
  ]

  test.each(ENDS)('with %o takes all links of its identity with it, and no others', async (end, condition) => {
    const client = await login(device, module)
    const links = [await client.sender(EVENTS), await client.receiver(COMMANDS)] as const
    const other = await client.sender(MODULE_EVENTS)
    const ended = [ending(links[0], 'sender'), ending(links[1], 'receiver')]
    host.session('press-7').end(end)
    expect(await Promise.all(ended)).toEqual([condition, condition])
    expect(await outcome(other, { body: data('x') })).toBe('accepted')
  })

  test('because its identity was disabled has to be proven anew', async () => {
    const client = await login(device)
    const ended = ending(await client.sender(EVENTS), 'sender')
    host.session('press-7').end({ kind: 'identity-disabled' })
    await ended
    await expect(client.sender(EVENTS)).rejects.toMatchObject({ condition: 'amqp:unauthorized-access' })
    await client.login(device)
    expect(await outcome(await client.sender(EVENTS), { body: data('x') })).toBe('accepted')
  })
})

describe('a token that is renewed on the open connection', () => {
  test('keeps links and subscriptions, and what is under way', async () => {
    const client = await dial()
    await client.login(device, { expiresAt: clock.now() - 100_000 })
    const sender = await client.sender(EVENTS)
    await client.receiver(COMMANDS)
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    let store: (() => void) | undefined
    host.durable = () => new Promise(resolve => (store = () => resolve([])))
    const sent = outcome(sender, { body: data('x') })
    await client.login(device, { expiresAt: clock.now() + 3_600_000 })
    await clock.advance(300_000)
    store?.()
    expect(await sent).toBe('accepted')
    expect(host.session('press-7').subscriptions).toEqual(new Set(['commands']))
    expect(host.ends).toEqual([])
  })
})

describe('a silent client', () => {
  test('is let go after one and a half times the idle time-out that it was told', async () => {
    const client = await login(device)
    const begin = clock.monotonic()
    const closed = client.closed()
    while (reasons.length === 0) await clock.advance(30_000)
    await closed
    expect(reasons).toContain('nothing was heard for too long')
    expect(clock.monotonic() - begin).toBeGreaterThanOrEqual(360_000)
  })

  test('that announces no time-out hears from the gateway all the same', async () => {
    const client = await login(device)
    await client.sender(EVENTS)
    const { socket } = client.connection as unknown as { socket: Socket }
    const heard = new Promise<Buffer>(resolve => socket.on('data', resolve))
    await clock.advance(120_000)
    expect(await heard).toEqual(Buffer.from('0000000802000000', 'hex'))
  })
})

describe('a client that takes nothing of what it is sent', () => {
  test('is let go, and its neighbours are not held up', async () => {
    await frontEnd.stop()
    await start({ maxBufferedBytes: 64_000_000, outboundWindow: 1_000 })
    const neighbour = await login(module)
    const good = await neighbour.sender(MODULE_EVENTS)
    const client = await login(device)
    await client.receiver(COMMANDS)
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    ;(client.connection as unknown as { socket: Socket }).socket.pause()
    const { peer } = host.session('press-7')
    const message = { body: Buffer.alloc(60_000), properties: new Map(), system: {} }
    const settled = Array.from(
      { length: 500 },
      () => new Promise(settle => peer.deliver([{ message, redelivered: false, settle }])),
    )
    expect(await outcome(good, { body: data('x') })).toBe('accepted')
    while (host.ends.length === 0) await clock.advance(30_000)
    expect(reasons).toContain('the client takes nothing of what it is sent')
    expect(new Set(await Promise.all(settled))).toEqual(new Set(['abandoned']))
  })
})

describe('what the library makes hard', () => {
  test('a link gets no more than its credit, though the library counts it a turn late', async () => {
    const client = await login(device)
    const receiver = await client.receiver(COMMANDS, { credit_window: 0 })
    await client.receiver('/devices/press-7/methods/devicebound')
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('methods'))
    const { peer } = host.session('press-7')
    receiver.add_credit(3)
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    const message = { body: Buffer.from('x'), properties: new Map(), system: {} }
    const deliveries = Array.from({ length: 20 }, () => ({ message, redelivered: false, settle: () => undefined }))
    let received = 0
    receiver.on('message', () => void (received += 1))
    peer.deliver(deliveries)
    // Goes out behind them, in the same session.
    const called = once(client.connection, 'message')
    peer
      .method({ name: 'go', responseTimeout: 5_000, connectTimeout: 0 }, AbortSignal.timeout(5_000))
      .catch(() => undefined)
    const [context] = (await called) as [EventContext]
    expect(context.message!.application_properties).toEqual({ 'IoThub-methodname': 'go' })
    expect(received).toBe(3)
  })

  test('a link of one name may be there in each direction', async () => {
    const client = await login(device)
    const session = client.connection.create_session() as Session
    session.open()
    const sender = session.open_sender({ name: 'both', target: { address: EVENTS } } as never)
    await once(sender, 'sendable')
    // The library as a client knows one link of a name too: it is made to forget the first.
    delete (session as unknown as { links: Record<string, unknown> }).links.both
    const receiver = session.open_receiver({ name: 'both', source: { address: COMMANDS } } as never)
    await once(receiver, 'receiver_open')
    expect(await outcome(sender, { body: data('x') })).toBe('accepted')
    const closed = once(receiver, 'receiver_close')
    receiver.close()
    await closed
    expect(await outcome(sender, { body: data('y') })).toBe('accepted')
  })

  test('a link that was closed may come again under its name', async () => {
    const client = await login(device)
    for (const text of ['1', '2', '3']) {
      const sender = await client.sender(EVENTS, { name: 'same' })
      expect(await outcome(sender, { body: data(text) })).toBe('accepted')
      const closed = once(sender, 'sender_close')
      sender.close()
      await closed
    }
    expect(host.taken).toHaveLength(3)
  })

  test('a body reaches the client as one data section', async () => {
    const client = await login(device)
    const receiver = await client.receiver(COMMANDS)
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    const came = once(receiver, 'message')
    const message = { body: Buffer.from('x'), properties: new Map(), system: {} }
    host.session('press-7').peer.deliver([{ message, redelivered: false, settle: () => undefined }])
    const [{ message: wire }] = (await came) as [EventContext]
    expect(wire!.body).toMatchObject({ typecode: 0x75, content: Buffer.from('x') })
  })
})
