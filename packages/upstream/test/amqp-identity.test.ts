import { silentLogger, type CloudDelivery, type MethodRequest, type TwinPatch } from '@edgewright/core'
import {
  deliveryToAmqp,
  encodeAmqpMessage,
  methodRequestToAmqp,
  type AmqpMethodResponse,
  methodResponseFromAmqp,
  Refusal,
  twinNoticeToAmqp,
  twinRequestFromAmqp,
  uuidBytes,
  type WritableAmqpMessage,
} from '@edgewright/protocol'
import { virtualClock } from '@edgewright/testkit'
import type { Delivery, EventContext, Sender } from 'rhea'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMessage } from '@edgewright/core'
import type { IotHubUpstream, IotHubUpstreamOptions } from '../src/index.js'
import { becomes, bodies, DEVICE, MODULE, numbered, upstreamTo } from './fixture.js'
import { RheaHub } from './rhea-hub.js'

let hub: RheaHub
let upstream: IotHubUpstream

beforeEach(async () => {
  hub = new RheaHub()
  await hub.listen()
})

afterEach(async () => {
  await upstream.stop()
  await hub.close()
})

async function online(options: Partial<IotHubUpstreamOptions> = {}): Promise<void> {
  upstream = upstreamTo(hub, options)
  await upstream.start()
  await becomes('online', upstream)
}

/** The link that the hub sends on, once it is there and has credit. */
async function linkTo(name: string): Promise<Sender> {
  await hub.until(() => hub.senders.get(name)?.sendable() === true)
  return hub.senders.get(name)!
}

function send(link: Sender, message: WritableAmqpMessage): Delivery {
  return link.send(encodeAmqpMessage(message), undefined, 0)
}

function settled(link: Sender): Promise<string> {
  return new Promise(resolve => {
    for (const outcome of ['accepted', 'rejected', 'released']) link.once(outcome, () => resolve(outcome))
  })
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '')

describe('a twin', () => {
  /** Answers every request of a kind alike. */
  function answer(status: number, body: unknown, version?: number): string[] {
    const operations: string[] = []
    hub.onLinkMessage.set('twin', (message, reply) => {
      const request = twinRequestFromAmqp(message)
      if (request instanceof Refusal) throw new Error(request.reason)
      operations.push(`${request.operation} ${Buffer.from(request.body)}`)
      reply(twinNoticeToAmqp({ kind: 'response', id: request.id, status, version, body: json(body) }))
    })
    return operations
  }

  test('is read, and its versions told apart from its properties', async () => {
    answer(200, { desired: { rate: 5, $version: 7, $metadata: {} }, reported: { $version: 2 } })
    await online()
    expect(await upstream.session(DEVICE).getTwin()).toEqual({
      desired: { properties: { rate: 5 }, version: 7 },
      reported: { properties: {}, version: 2 },
    })
  })

  test('takes reported properties and tells their version', async () => {
    const operations = answer(204, undefined, 8)
    await online()
    expect(await upstream.session(MODULE).report({ on: true, off: null })).toBe(8)
    expect(operations).toEqual(['patch {"on":true,"off":null}'])
  })

  test.each([
    [400, 'UPSTREAM_REFUSED'],
    [404, 'UPSTREAM_UNAUTHORIZED'],
    [429, 'UPSTREAM_THROTTLED'],
    [500, 'UPSTREAM_OFFLINE'],
  ])('that answers %i throws %s with what the hub says', async (status, code) => {
    answer(status, { message: 'because' })
    await online()
    await expect(upstream.session(DEVICE).report({})).rejects.toMatchObject({
      code,
      message: expect.stringContaining('because'),
    })
  })

  test('gives changes of desired properties to whom listens, until nobody does', async () => {
    const operations = answer(200, {})
    await online()
    const patches: TwinPatch[] = []
    const session = upstream.session(DEVICE)
    const received = new Promise<void>(resolve =>
      session.handle({
        desired: patch => {
          patches.push(patch)
          resolve()
        },
      }),
    )
    await hub.until(() => operations.length === 1)
    const link = await linkTo('twin press')
    send(link, twinNoticeToAmqp({ kind: 'desired', version: 9, body: json({ rate: null, $version: 9 }) }))
    await received
    expect(patches).toEqual([{ patch: { rate: null }, version: 9 }])
    session.handle({})
    await hub.until(() => operations.length === 2)
    expect(operations.map(operation => operation.split(' ')[0])).toEqual(['subscribe', 'unsubscribe'])
  })

  test('is listened to again after the link was lost', async () => {
    const operations = answer(200, {})
    await online()
    upstream.session(DEVICE).handle({ desired: () => undefined })
    await hub.until(() => operations.length === 1)
    hub.cut()
    await hub.until(() => operations.length === 2)
  })

  test('cannot be read offline', async () => {
    upstream = upstreamTo(hub)
    await expect(upstream.session(DEVICE).getTwin()).rejects.toMatchObject({ code: 'UPSTREAM_OFFLINE' })
  })
})

describe('a method call', () => {
  const id = uuidBytes('0f8fad5b-d9cb-469f-a165-70867728950e')!

  function answered(): Promise<AmqpMethodResponse | Refusal> {
    return new Promise(resolve => hub.onLinkMessage.set('methods', message => resolve(methodResponseFromAmqp(message))))
  }

  test('reaches its handler, and the answer goes back under the same id', async () => {
    await online()
    const calls: MethodRequest[] = []
    upstream.session(DEVICE).handle({
      method: async request => {
        calls.push(request)
        return { status: 202, payload: { done: true } }
      },
    })
    const response = answered()
    send(await linkTo('methods press'), methodRequestToAmqp({ id, name: 'restart', body: json([1]) }))
    expect(await response).toEqual({ id, status: 202, body: json({ done: true }) })
    expect(calls).toMatchObject([{ name: 'restart', payload: [1] }])
  })

  test('whose handler fails is answered with 500, and without a payload when there was none', async () => {
    await online()
    upstream.session(DEVICE).handle({
      method: async request => {
        expect(request).not.toHaveProperty('payload')
        throw new Error('out of order')
      },
    })
    const response = answered()
    send(await linkTo('methods press'), methodRequestToAmqp({ id, name: 'restart', body: Buffer.alloc(0) }))
    expect(await response).toEqual({ id, status: 500, body: json({ message: 'out of order' }) })
  })
})

describe('a cloud-to-device message', () => {
  test.each([
    ['completed', 'accepted'],
    ['abandoned', 'released'],
    ['rejected', 'rejected'],
  ] as const)('that is %s is %s at the hub, once', async (settlement, outcome) => {
    await online()
    upstream.session(DEVICE).handle({
      command: delivery => {
        delivery.settle(settlement)
        delivery.settle('completed')
      },
    })
    const link = await linkTo('devicebound press')
    const result = settled(link)
    send(link, deliveryToAmqp({ message: createMessage({ body: 'go' }) }))
    expect(await result).toBe(outcome)
  })

  test('settled together with others keeps its own outcome', async () => {
    await online()
    const waiting: CloudDelivery[] = []
    const all = new Promise<void>(resolve =>
      upstream.session(DEVICE).handle({ command: delivery => waiting.push(delivery) === 4 && resolve() }),
    )
    const link = await linkTo('devicebound press')
    const outcomes: string[] = []
    const result = new Promise<void>(resolve => {
      for (const outcome of ['accepted', 'rejected', 'released']) {
        link.on(outcome, ({ delivery }: EventContext) => {
          outcomes[delivery!.id] = outcome
          if (Object.keys(outcomes).length === 4) resolve()
        })
      }
    })
    for (const message of numbered(4)) send(link, deliveryToAmqp({ message }))
    await all
    const settlements = ['completed', 'rejected', 'abandoned', 'completed'] as const
    for (const [at, settlement] of settlements.entries()) waiting[at]!.settle(settlement)
    await result
    expect(outcomes.filter(Boolean)).toEqual(['accepted', 'rejected', 'released', 'accepted'])
  })
})

describe('a token', () => {
  const LONG = { silenceLimit: 1e9 }
  const HOUR = 3_600_000

  test('is renewed on the live link before it expires', async () => {
    const clock = virtualClock()
    await online({ ...LONG, clock, random: () => 0 })
    await upstream.session(DEVICE).send(numbered(1))
    await clock.advance(0.75 * HOUR)
    await hub.until(() => hub.tokens.get('press')!.length === 2)
    expect(hub.connections).toBe(1)
    expect(new Set(hub.tokens.get('press')).size).toBe(2)
  })

  test('that cannot be renewed is tried again, and ends the session of its identity alone when it expires', async () => {
    const clock = virtualClock()
    const warned: (() => void)[] = []
    const logger = { log: (_: string, text: string) => text === 'token not renewed' && warned.shift()?.() }
    const nextWarning = () => new Promise<void>(resolve => warned.push(resolve))
    await online({ ...LONG, clock, logger, random: () => 0 })
    await upstream.session(DEVICE).send(numbered(1))
    await upstream.session(MODULE).send(numbered(1))
    hub.behaviour.token = ({ moduleId }) => (moduleId === undefined ? 500 : 200)
    const first = nextWarning()
    await clock.advance(0.75 * HOUR)
    await first
    hub.behaviour.message = () => 'hold'
    const sent = upstream.session(DEVICE).send(numbered(1))
    await hub.until(() => hub.held.length === 1)
    for (let spent = 0.75 * HOUR; spent < HOUR; spent += 20_000) {
      const warning = nextWarning()
      await clock.advance(20_000)
      await warning
    }
    expect(await sent).toEqual([{ kind: 'retry', reason: expect.stringContaining('500') }])
    hub.behaviour.message = () => undefined
    expect(await upstream.session(MODULE).send(numbered(1))).toEqual([{ kind: 'accepted' }])
    expect(upstream.connectivity.type).toBe('online')
  })

  test('that was refused is not put again at once', async () => {
    const clock = virtualClock()
    hub.behaviour.token = () => 401
    await online({ ...LONG, clock, random: () => 1 })
    const session = upstream.session(DEVICE)
    for (let attempt = 0; attempt < 5; attempt++) await session.send(numbered(1))
    expect(hub.tokens.get('press')).toHaveLength(1)
    hub.behaviour.token = () => 200
    await clock.advance(2_000)
    expect(await session.send(numbered(1))).toEqual([{ kind: 'accepted' }])
  })

  test('that cannot be signed concerns its identity alone', async () => {
    await online({ token: () => Promise.reject(new Error('no such key')) })
    await expect(upstream.session(DEVICE).getTwin()).rejects.toMatchObject({
      code: 'UPSTREAM_UNAUTHORIZED',
      message: expect.stringContaining('no such key'),
    })
    expect(upstream.connectivity.type).toBe('online')
  })
})

describe('a session', () => {
  test('whose links are refused gives messages back, and others go on', async () => {
    hub.behaviour.attach = ({ moduleId }) => (moduleId === undefined ? 'amqp:not-found' : undefined)
    await online()
    const outcomes = await Promise.all([DEVICE, MODULE].map(identity => upstream.session(identity).send(numbered(2))))
    expect(outcomes[0]).toEqual(Array(2).fill({ kind: 'retry', reason: expect.stringContaining('amqp:not-found') }))
    expect(outcomes[1]).toEqual(Array(2).fill({ kind: 'accepted' }))
  })

  test('that nobody uses is closed, and opened again when it is used', async () => {
    const clock = virtualClock()
    await online({ clock, silenceLimit: 1e9, idleTimeout: 60_000 })
    await upstream.session(DEVICE).send(numbered(1))
    await clock.advance(59_999)
    await upstream.session(DEVICE).send(numbered(1))
    expect(hub.tokens.get('press')).toHaveLength(1)
    await clock.advance(60_000)
    await upstream.session(DEVICE).send(numbered(1))
    expect(hub.tokens.get('press')).toHaveLength(2)
    expect(bodies(hub, DEVICE)).toHaveLength(3)
  })

  test('that was closed gives everything back, and is replaced by a new one', async () => {
    await online()
    const session = upstream.session(DEVICE)
    expect(upstream.session(DEVICE)).toBe(session)
    await session.close()
    expect(await session.send(numbered(1))).toMatchObject([{ kind: 'retry' }])
    expect(upstream.session(DEVICE)).not.toBe(session)
    expect(await upstream.session(DEVICE).send(numbered(1))).toEqual([{ kind: 'accepted' }])
  })
})

describe('the link', () => {
  test('that falls silent is given up in time', async () => {
    const clock = virtualClock()
    await online({ clock, logger: silentLogger })
    const lost = becomes('offline', upstream)
    await clock.advance(9_000)
    expect(await lost).toMatchObject({ reason: expect.stringContaining('silent') })
  })

  test('asks the peer for signs of life more often than it needs them', async () => {
    await online()
    expect(hub.idleTimeOut).toBe(5_400)
  })

  test('is shared by as many connections as wanted', async () => {
    await online({ connections: 2 })
    await hub.until(() => hub.connections === 2)
    const identities = Array.from({ length: 6 }, (_, at) => ({ deviceId: `d${at}` }))
    await Promise.all(identities.map(identity => upstream.session(identity).send(numbered(1))))
    expect(hub.arrivals).toHaveLength(6)
  })
})
