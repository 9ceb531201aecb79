import dns from 'node:dns'
import { EventEmitter, once } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import { type Connectivity, memoryMeter } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { IotHubUpstreamOptions, TransportName } from '../src/index.js'
import { type EmulatedHub, emulatedHub } from './emulator-cloud.js'
import { becomes, numbered } from './fixture.js'

const TRANSPORTS: readonly TransportName[] = ['amqp', 'amqp-ws', 'mqtt', 'mqtt-ws']
/** What may pass, in milliseconds, until a loss is known, and until a return is. */
const [LOSS, RETURN] = [10_000, 5_000]
/** As a gateway has it, with the longest waits that chance may bring. */
const AS_SHIPPED = { reconnect: undefined, identityRetry: undefined, random: () => 1 - Number.EPSILON }

/** In the emulator's certificate, and looked up by nobody but the upstream. */
const NAME = 'localhost'

let hub: EmulatedHub

async function start(options: Partial<IotHubUpstreamOptions>): Promise<void> {
  hub = await emulatedHub({ ...AS_SHIPPED, ...options })
  await hub.upstream.start()
}

afterEach(async () => {
  vi.restoreAllMocks()
  hub.emulator.faults.clear()
  await hub.upstream.stop()
  await hub.dispose()
})

describe.each(TRANSPORTS)('over %s', transport => {
  test('a reset is known at once and a return soon, and nothing is paid for knowing it', async () => {
    const meter = memoryMeter()
    await start({ transports: [transport], meter })
    await becomes('online', hub.upstream)
    const told: Connectivity[] = []
    hub.upstream.on('connectivity', connectivity => told.push(connectivity))
    let began = performance.now()
    hub.emulator.faults.inject({ kind: 'cut' })
    await becomes('offline', hub.upstream)
    expect(performance.now() - began).toBeLessThan(LOSS)
    began = performance.now()
    hub.emulator.faults.clear()
    await becomes('online', hub.upstream)
    expect(performance.now() - began).toBeLessThan(RETURN)
    expect(told).toMatchObject([
      { type: 'offline', reason: expect.stringMatching(/^(connection-reset|closed-by-peer)/) },
      { type: 'online' },
    ])
    const messages = meter
      .read()
      .filter(({ name, labels }) => name === 'upstream_messages' && labels.purpose !== 'token')
    expect(messages).toEqual([])
    expect(hub.emulator.events.snapshot()).toEqual([])
  })

  test('silence is known in time, also when it begins while nothing is said, and so is its end', async () => {
    const clock = virtualClock({ start: Date.now() })
    await start({ transports: [transport], clock })
    await becomes('online', hub.upstream)
    hub.emulator.faults.inject({ kind: 'silence' })
    await until('offline', clock, LOSS)
    expect(hub.upstream.connectivity).toMatchObject({ reason: expect.stringContaining('silent: nothing for 9 s') })
    // A while into attempts that hang.
    await spend(clock, 12_000)
    hub.emulator.faults.clear()
    await until('online', clock, RETURN)
  })

  test('a name that cannot be looked up is named as the reason, and the return of names is known soon', async () => {
    let isNameKnown = false
    const lookup = dns.lookup as unknown as Lookup
    const answer: Lookup = (name, options, done) => {
      if (name !== NAME) lookup(name, options, done)
      else if (isNameKnown) lookup('127.0.0.1', options, done)
      else process.nextTick(done as () => void, Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }))
    }
    vi.spyOn(dns, 'lookup').mockImplementation(answer as never)
    const failed = new Promise<void>(resolve => {
      const logger = { log: (_: string, text: string) => text === 'next attempt to connect' && resolve() }
      void start({ transports: [transport], gatewayHost: NAME, logger })
    })
    const began = performance.now()
    await failed
    expect(performance.now() - began).toBeLessThan(LOSS)
    expect(hub.upstream.connectivity).toMatchObject({ reason: expect.stringContaining('name-not-resolved') })
    isNameKnown = true
    const returned = performance.now()
    await becomes('online', hub.upstream)
    expect(performance.now() - returned).toBeLessThan(RETURN)
  })
})

test.each<[TransportName, TransportName]>([
  ['amqp', 'amqp-ws'],
  ['mqtt', 'mqtt-ws'],
  ['amqp', 'mqtt'],
  ['amqp-ws', 'amqp'],
])('when only %s is blocked it goes over %s, and back when it is free', async (preferred, other) => {
  const changed = new EventEmitter()
  const logger = { log: (_: string, text: string, fields?: object) => void changed.emit(text, fields) }
  hub = await emulatedHub({ transports: [preferred, other], returnAfter: { first: 20, most: 50 }, logger })
  const blocked = hub.emulator.faults.inject({ kind: 'cut', target: { transport: preferred } })
  const changes: string[] = []
  hub.upstream.on('connectivity', ({ type }) => changes.push(type))
  await hub.upstream.start()
  await becomes('online', hub.upstream)
  const session = hub.upstream.session(hub.identities[0]!)
  expect(await session.send(numbered(3, 'a'))).toEqual(Array(3).fill({ kind: 'accepted' }))
  const back = once(changed, 'upstream changed its transport')
  blocked.lift()
  expect(await back).toEqual([{ from: other, to: preferred }])
  expect(await session.send(numbered(3, 'b'))).toEqual(Array(3).fill({ kind: 'accepted' }))
  expect(changes).toEqual(['online'])
})

test.each(TRANSPORTS)('a hub that takes nobody at his word is not reached, over %s', async transport => {
  const attempts = new EventEmitter()
  const logger = { log: (_: string, text: string) => void attempts.emit(text) }
  hub = await emulatedHub({ transports: [transport], logger })
  const changes: string[] = []
  hub.upstream.on('connectivity', ({ type }) => changes.push(type))
  hub.emulator.cut()
  await hub.upstream.start()
  for (let attempt = 0; attempt < 5; attempt++) await once(attempts, 'next attempt to connect')
  expect(changes).toEqual([])
  hub.emulator.restore()
  await becomes('online', hub.upstream)
})

test.each(['amqp', 'amqp-ws'] as const)(
  'a gateway that is refused itself keeps nobody else out, over %s',
  async transport => {
    hub = await emulatedHub({ transports: [transport], self: { deviceId: 'edge', moduleId: 'nobody' } })
    await hub.upstream.start()
    await becomes('online', hub.upstream)
    expect(await hub.upstream.session(hub.identities[0]!).send(numbered(1))).toEqual([{ kind: 'accepted' }])
  },
)

type Lookup = (name: string, options: unknown, done: unknown) => void

/** The network's own time for each step of the clock, in milliseconds: many connections are opened on a busy machine. */
const PAUSE = 25

/** Lets time pass, a little at a time so that the network can follow, until it is so; fails when that takes too long. */
async function until(type: Connectivity['type'], clock: ReturnType<typeof virtualClock>, most: number): Promise<void> {
  for (let spent = 0; hub.upstream.connectivity.type !== type; spent += 50) {
    expect(spent).toBeLessThan(most)
    await spend(clock, 50, type === 'online' ? PAUSE : 1)
  }
}

async function spend(clock: ReturnType<typeof virtualClock>, milliseconds: number, pause = 1): Promise<void> {
  for (let spent = 0; spent < milliseconds; spent += 50) {
    await clock.advance(50)
    await passed(pause)
  }
}
