import { createMessage } from '@edgewright/core'
import { testCertificates } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IotHubUpstream, IotHubUpstreamOptions } from '../src/index.js'
import { becomes, bodies, DEVICE, MODULE, numbered, upstreamTo } from './fixture.js'
import { RheaHub } from './rhea-hub.js'

let hub: RheaHub
let upstream: IotHubUpstream

beforeEach(async () => {
  hub = new RheaHub()
  await hub.listen()
  upstream = upstreamTo(hub)
})

afterEach(async () => {
  await upstream.stop()
  await hub.close()
})

describe('telemetry', () => {
  test('of many identities goes over one connection, in order, under the name of its sender', async () => {
    await upstream.start()
    await becomes('online', upstream)
    const identities = Array.from({ length: 20 }, (_, at) => ({ deviceId: 'press', moduleId: `m${at}` }))
    const outcomes = await Promise.all(
      identities.map(identity => upstream.session(identity).send(numbered(500, identity.moduleId))),
    )
    expect(outcomes.flat().every(({ kind }) => kind === 'accepted')).toBe(true)
    expect(hub.connections).toBe(1)
    for (const identity of identities) {
      expect(bodies(hub, identity)).toEqual(numbered(500, identity.moduleId).map(({ body }) => body.toString()))
    }
  })

  test.each([1, 50])('gets an outcome for each message, in their order, with %i together', async together => {
    upstream = upstreamTo(hub, { together })
    hub.behaviour.message = (_, { body }) =>
      body.toString() === 'm1' ? { condition: 'com.microsoft:argument-error', description: 'no good' } : undefined
    await upstream.start()
    await becomes('online', upstream)
    expect(await upstream.session(DEVICE).send(numbered(3))).toEqual([
      { kind: 'accepted' },
      { kind: 'reject', reason: expect.stringContaining('no good') },
      { kind: 'accepted' },
    ])
  })

  test('of one identity leaves many together, and arrives one by one', async () => {
    await upstream.start()
    await becomes('online', upstream)
    await upstream.session(DEVICE).send(numbered(100))
    expect(hub.transfers).toBe(2)
    expect(bodies(hub, DEVICE)).toEqual(numbered(100).map(({ body }) => body.toString()))
  })

  test('that is large leaves in as many transfers as the link takes', async () => {
    await upstream.start()
    await becomes('online', upstream)
    const large = Array.from({ length: 5 }, () => createMessage({ body: Buffer.alloc(100_000) }))
    expect(await upstream.session(DEVICE).send(large)).toHaveLength(5)
    expect(hub.transfers).toBe(3)
  })

  test('is pipelined: nothing waits for the outcome of what was sent before', async () => {
    upstream = upstreamTo(hub, { together: 1 })
    hub.behaviour.message = () => 'hold'
    await upstream.start()
    await becomes('online', upstream)
    const sent = upstream.session(DEVICE).send(numbered(50))
    await hub.until(() => hub.held.length === 50)
    for (const held of hub.held) held.accept()
    expect(await sent).toHaveLength(50)
  })

  test('never exceeds the credit of a link, nor holds up another one', async () => {
    upstream = upstreamTo(hub, { together: 1 })
    hub.behaviour.credit = 3
    hub.behaviour.message = ({ moduleId }) => (moduleId === undefined ? 'hold' : undefined)
    await upstream.start()
    await becomes('online', upstream)
    const slow = upstream.session(DEVICE).send(numbered(40))
    await hub.until(() => hub.held.length >= 3)
    expect((await upstream.session(MODULE).send(numbered(200))).every(({ kind }) => kind === 'accepted')).toBe(true)
    for (let settled = 0; settled < 40; settled++) {
      await hub.until(() => hub.held.length > settled)
      hub.held[settled]!.accept()
    }
    await slow
    expect(bodies(hub, DEVICE)).toEqual(numbered(40).map(({ body }) => body.toString()))
  })

  test('stops at a message that is to be given again, so that order is kept', async () => {
    let throttled = true
    hub.behaviour.message = (_, { body }) =>
      throttled && body.toString() === 'm1' ? { condition: 'com.microsoft:device-container-throttled' } : undefined
    upstream = upstreamTo(hub, { window: 2, together: 1 })
    await upstream.start()
    await becomes('online', upstream)
    const outcomes = await upstream.session(DEVICE).send(numbered(100))
    expect(outcomes[0]).toEqual({ kind: 'accepted' })
    expect(outcomes[1]).toEqual({ kind: 'retry', reason: expect.stringContaining('throttled') })
    expect(outcomes.slice(4).every(({ kind }) => kind === 'retry')).toBe(true)
    throttled = false
    expect(await upstream.session(DEVICE).send(numbered(1, 'after'))).toEqual([{ kind: 'accepted' }])
  })

  test('that is larger than the link takes is refused for good', async () => {
    await upstream.start()
    await becomes('online', upstream)
    const large = createMessage({ body: Buffer.alloc(300_000) })
    const [refused, sent] = await upstream.session(DEVICE).send([large, ...numbered(1)])
    expect(refused).toEqual({ kind: 'reject', reason: expect.stringContaining('more than the cloud takes') })
    expect(sent).toEqual({ kind: 'accepted' })
  })

  test('is given back when the caller no longer waits', async () => {
    upstream = upstreamTo(hub, { together: 1 })
    hub.behaviour.message = () => 'hold'
    await upstream.start()
    await becomes('online', upstream)
    const controller = new AbortController()
    const sent = upstream.session(DEVICE).send(numbered(3), controller.signal)
    await hub.until(() => hub.held.length === 3)
    controller.abort()
    expect(await sent).toEqual(Array(3).fill({ kind: 'retry', reason: 'aborted' }))
  })
})

describe('the link', () => {
  test('is said to be offline while there is none, and messages are given back at once', async () => {
    expect(upstream.connectivity).toMatchObject({ type: 'offline', reason: 'not started' })
    expect(await upstream.session(DEVICE).send(numbered(1))).toEqual([{ kind: 'retry', reason: 'not started' }])
  })

  test('comes back by itself after a cut, and nothing given is lost', async () => {
    await upstream.start()
    await becomes('online', upstream)
    const wanted = numbered(2_000)
    const waiting = [...wanted]
    let cuts = 0
    while (waiting.length > 0) {
      await becomes('online', upstream)
      const outcomes = upstream.session(DEVICE).send(waiting.slice(0, 100))
      if (cuts < 5 && waiting.length < 2_000 - cuts * 300) {
        cuts += 1
        await hub.until(() => hub.tokens.has('press'))
        hub.cut()
      }
      const first = (await outcomes).findIndex(({ kind }) => kind === 'retry')
      waiting.splice(0, first < 0 ? 100 : first)
    }
    expect(cuts).toBe(5)
    expect([...new Set(bodies(hub, DEVICE))]).toEqual(wanted.map(({ body }) => body.toString()))
  })

  test('says why it was lost', async () => {
    await upstream.start()
    await becomes('online', upstream)
    const lost = becomes('offline', upstream)
    hub.cut()
    expect(await lost).toMatchObject({ type: 'offline', reason: expect.stringContaining('connection-reset') })
  })

  test.each<[string, () => Partial<IotHubUpstreamOptions>, string]>([
    ['no such name', () => ({ gatewayHost: 'no-such-host.invalid' }), 'name-not-resolved'],
    ['nobody there', () => ({ ports: { amqp: 1 } }), 'connection-refused'],
    ['a certificate of a stranger', () => ({ ca: testCertificates().ca }), 'tls-failed'],
  ])('says why it cannot be opened: %s', async (_, options, reason) => {
    const failed = new Promise<void>(resolve => {
      upstream = upstreamTo(hub, {
        ...options(),
        logger: { log: (_, text) => text === 'next attempt to connect' && resolve() },
      })
    })
    await upstream.start()
    await failed
    expect(upstream.connectivity).toMatchObject({ type: 'offline', reason: expect.stringContaining(reason) })
  })

  test('stops in good order, twice, and starts again', async () => {
    await upstream.start()
    await becomes('online', upstream)
    await upstream.session(DEVICE).send(numbered(1))
    await Promise.all([upstream.stop(), upstream.stop()])
    expect(upstream.connectivity).toMatchObject({ type: 'offline', reason: 'stopped' })
    await hub.until(() => hub.sockets.size === 0)
    await upstream.start()
    await becomes('online', upstream)
    expect(await upstream.session(DEVICE).send(numbered(1))).toEqual([{ kind: 'accepted' }])
  })
})

describe('an identity', () => {
  test('that is refused does not touch the others', async () => {
    hub.behaviour.token = ({ moduleId }) => (moduleId === undefined ? 401 : 200)
    await upstream.start()
    await becomes('online', upstream)
    const outcomes = await Promise.all([
      upstream.session(DEVICE).send(numbered(2)),
      upstream.session(MODULE).send(numbered(2)),
    ])
    expect(outcomes[0]).toEqual(Array(2).fill({ kind: 'retry', reason: expect.stringContaining('refused press: 401') }))
    expect(outcomes[1]).toEqual(Array(2).fill({ kind: 'accepted' }))
    expect(upstream.connectivity.type).toBe('online')
    expect(hub.connections).toBe(1)
  })
})
