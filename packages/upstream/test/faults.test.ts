import { setTimeout as passed } from 'node:timers/promises'
import type { DeliveryOutcome, Message, TwinPatch } from '@edgewright/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IotHubUpstreamOptions, TransportName } from '../src/index.js'
import { type EmulatedHub, emulatedHub } from './emulator-cloud.js'
import { becomes, numbered } from './fixture.js'

let hub: EmulatedHub

async function start(transport: TransportName, options: Partial<IotHubUpstreamOptions> = {}): Promise<void> {
  hub = await emulatedHub({ transports: [transport], ...options })
  await hub.upstream.start()
  await becomes('online', hub.upstream)
}

afterEach(async () => {
  await hub.upstream.stop()
  await hub.dispose()
})

/** Sends as a pump does, and returns the last outcome of each. */
async function deliver(messages: readonly Message[]): Promise<DeliveryOutcome[]> {
  const session = hub.upstream.session(hub.identities[0]!)
  const all: DeliveryOutcome[] = []
  while (all.length < messages.length) {
    const outcomes = await session.send(messages.slice(all.length, all.length + 20))
    const again = outcomes.findIndex(({ kind }) => kind === 'retry')
    all.push(...outcomes.slice(0, again < 0 ? outcomes.length : again))
    if (again >= 0) await passed(2)
    await becomes('online', hub.upstream)
  }
  return all
}

function arrived(): string[] {
  return [...new Set(hub.cloud.arrived(hub.identities[0]!).map(({ body }) => Buffer.from(body).toString()))]
}

describe.each(['amqp', 'mqtt'] as const)('over %s', transport => {
  beforeEach(() => start(transport))

  test('throttling slows down and loses nothing, nor any order', async () => {
    hub.emulator.faults.inject({ kind: 'throttle', every: 13 })
    const messages = numbered(200)
    const outcomes = await deliver(messages)
    expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true)
    expect(arrived()).toEqual(messages.map(({ body }) => body.toString()))
  })

  test('tokens that lapse before their time are renewed, and nothing is lost', async () => {
    const messages = numbered(200)
    const delivered = deliver(messages)
    for (let times = 0; times < 3; times++) {
      await passed(10)
      hub.emulator.faults.expireTokens()
    }
    expect((await delivered).every(({ kind }) => kind === 'accepted')).toBe(true)
    expect(arrived()).toEqual(messages.map(({ body }) => body.toString()))
  })
})

test.each(['amqp', 'mqtt'] as const)('the budget of a day holds telemetry only, over %s', async transport => {
  await start(transport, { dailyBudget: 20_000 })
  const [identity] = hub.identities
  const session = hub.upstream.session(identity!)
  await session.send(numbered(1, 'x'.repeat(20_000)))
  expect(await session.send(numbered(1))).toEqual([{ kind: 'retry', reason: expect.stringContaining('budget') }])
  const version = await session.report({ still: 'here' })
  expect((await session.getTwin()).reported).toEqual({ properties: { still: 'here' }, version })
  await new Promise<void>(resolve =>
    session.handle({ method: async () => ({ status: 200 }), desired: () => undefined, listening: resolve }),
  )
  expect(await hub.cloud.callMethod!(identity!, 'wake')).toMatchObject({ status: 200 })
  expect(hub.cloud.arrived(identity!)).toHaveLength(1)
})

describe('over amqp', () => {
  beforeEach(() => start('amqp'))

  test('whoever listens hears more than a session holds at once, and nobody else need say a word', async () => {
    const [identity] = hub.identities
    const heard: unknown[] = []
    const desire = () => {
      for (let times = 0; times < 100; times++) {
        hub.emulator.twins.change(identity!, { desired: { pace: heard.length + times } }, 'merge')
      }
    }
    await new Promise<void>(resolve => {
      const desired = ({ version }: TwinPatch) => {
        heard.push(version)
        if (heard.length === 3_000) resolve()
        else if (heard.length % 100 === 0) desire()
      }
      hub.upstream.session(identity!).handle({ desired, listening: desire })
    })
    expect(heard).toEqual(Array.from({ length: 3_000 }, (_, at) => at + 2))
  })

  test('a message that the hub refuses for good is told apart from its neighbours', async () => {
    const session = hub.upstream.session(hub.identities[0]!)
    await session.send(numbered(1, 'before'))
    hub.emulator.faults.inject({ kind: 'reject', as: 'ArgumentInvalid', nth: 1 })
    const outcomes = await session.send(numbered(1))
    expect(outcomes).toEqual([{ kind: 'reject', reason: expect.stringContaining('argument') }])
    expect(await session.send(numbered(3, 'after'))).toEqual(Array(3).fill({ kind: 'accepted' }))
  })
})

describe('over mqtt', () => {
  test('a token is renewed by connecting anew, without going offline and without losing a message', async () => {
    await start('mqtt', { tokenLifetime: 400, renewAfter: 0.5 })
    const changes: unknown[] = []
    hub.upstream.on('connectivity', connectivity => changes.push(connectivity))
    const connected = new Set<number>()
    const messages = numbered(40)
    const session = hub.upstream.session(hub.identities[0]!)
    for (const message of messages) {
      expect(await session.send([message])).toEqual([{ kind: 'accepted' }])
      connected.add(hub.emulator.openConnections.mqtt)
      await passed(20)
    }
    expect(arrived()).toEqual(messages.map(({ body }) => body.toString()))
    expect(changes).toEqual([])
    expect(Math.max(...connected)).toBeLessThanOrEqual(2)
  })

  test('an identity whose id cannot be part of a topic is told so, and holds nobody up', async () => {
    await start('mqtt')
    const { identity } = hub.emulator.registry.createDevice({ deviceId: 'a#b', parentId: 'edge' })
    const [outcome] = await hub.upstream.session(identity).send(numbered(1))
    expect(outcome).toEqual({ kind: 'retry', reason: expect.stringContaining('MQTT topic') })
    expect(await hub.upstream.session(hub.identities[0]!).send(numbered(1))).toEqual([{ kind: 'accepted' }])
  })
})
