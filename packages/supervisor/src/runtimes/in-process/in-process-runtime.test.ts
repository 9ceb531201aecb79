import { createMessage, EdgewrightError, type ModuleState } from '@edgewright/core'
import { memoryModuleHost, virtualClock } from '@edgewright/testkit'
import { describe, expect, it } from 'vitest'
import { InProcessRuntime } from './in-process-runtime.js'
import type { ModuleFunction } from './module-context.js'

/** A runtime on which the given functions run, on a clock that only the test moves. */
async function running(functions: Record<string, ModuleFunction>, host = memoryModuleHost()) {
  const clock = virtualClock({ start: 0 })
  const runtime = new InProcessRuntime({ host, clock }, { functions })
  await runtime.start()
  for (const specification of runtime.specifications) {
    await runtime.create(specification)
    await runtime.startModule(specification.name)
  }
  const states = async () => Object.fromEntries((await runtime.list()).map(({ name, state }) => [name, state]))
  return { runtime, host, clock, states }
}

const reading = (celsius: number) => createMessage({ body: JSON.stringify({ celsius }) })

describe('outputs', () => {
  it('send JSON and bytes, and send messages on, under the name of the output', async () => {
    const { host } = await running({
      async sensor({ output }) {
        await output('temperature').send({ celsius: 21 }, { properties: { unit: 'C' }, system: { messageId: '1' } })
        await output('raw').send(Uint8Array.of(1, 2))
        await output('copy').forward([createMessage({ body: 'as it is', system: { outputName: 'other' } })])
      },
    })
    const [json, raw, copy] = (await host.untilSent(3)).map(({ message }) => message)
    expect(json!.body.toString()).toBe('{"celsius":21}')
    expect(json!.properties).toEqual(new Map([['unit', 'C']]))
    expect(json!.system).toEqual({
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      messageId: '1',
      outputName: 'temperature',
    })
    expect(raw).toMatchObject({ body: Uint8Array.of(1, 2), system: { outputName: 'raw' } })
    expect(copy).toMatchObject({ body: Buffer.from('as it is'), system: { outputName: 'copy' } })
  })

  it('throw the reason of a refusal to the module', async () => {
    const host = memoryModuleHost({ refuse: () => new EdgewrightError('STORE_FULL', 'The store is full') })
    const { runtime, clock } = await running({ sensor: ({ output }) => output('temperature').send({}) }, host)
    await clock.advance(0)
    const [observed] = await runtime.list()
    expect(observed).toMatchObject({ state: 'failed', reason: 'The store is full' })
  })
})

describe('inputs', () => {
  it('complete a message when the loop comes back for the next, whatever it does meanwhile', async () => {
    let finish = () => {}
    const { host, clock } = await running({
      async filter({ input, output }) {
        for await (const received of input('readings')) {
          await new Promise<void>(resolve => (finish = resolve))
          await output('hot').send(received.json())
        }
      },
    })
    await host.untilSubscribed('filter', 'inputs')
    let settled: string | undefined
    const settling = host.deliver('filter', 'readings', reading(31)).then(settlement => (settled = settlement))
    await clock.advance(0)
    expect(settled).toBeUndefined()
    finish()
    expect(await settling).toBe('completed')
    expect((await host.untilSent(1))[0]!.message.body.toString()).toBe('{"celsius":31}')
  })

  it('give a message again when the module crashes over it, and those behind it', async () => {
    const { host, clock, states } = await running({
      async filter({ input }) {
        for await (const received of input('readings')) received.json()
      },
    })
    await host.untilSubscribed('filter', 'inputs')
    const settlements = ['{', '{}'].map(body => host.deliver('filter', 'readings', createMessage({ body })))
    expect(await Promise.all(settlements)).toEqual(['abandoned', 'abandoned'])
    await clock.advance(0)
    expect(await states()).toEqual({ filter: 'failed' })
  })

  it('are settled as the module says, once', async () => {
    const { host } = await running({
      async filter({ input }) {
        for await (const received of input('readings')) if (received.redelivered) received.settle('rejected')
      },
    })
    await host.untilSubscribed('filter', 'inputs')
    expect(await host.deliver('filter', 'readings', reading(1), true)).toBe('rejected')
    expect(await host.deliver('filter', 'readings', reading(1))).toBe('completed')
  })

  it('are read side by side, each in its own order', async () => {
    const seen: string[] = []
    const read: ModuleFunction = async ({ input }) => {
      const loop = async (name: string) => {
        for await (const { message } of input(name)) seen.push(`${name}${message.body}`)
      }
      await Promise.all([loop('a'), loop('b')])
    }
    const { host } = await running({ both: read })
    await host.untilSubscribed('both', 'inputs')
    const send = (input: string, body: string) => host.deliver('both', input, createMessage({ body }))
    await Promise.all([send('a', '1'), send('b', '1'), send('a', '2')])
    expect(seen.filter(entry => entry.startsWith('a'))).toEqual(['a1', 'a2'])
    expect(seen).toContain('b1')
  })

  it('end with the module, and leave nothing taken', async () => {
    const { host, runtime, clock, states } = await running({
      async filter({ input, signal }) {
        for await (const _ of input('readings')) await new Promise(resolve => signal.addEventListener('abort', resolve))
      },
    })
    await host.untilSubscribed('filter', 'inputs')
    const settlements = [1, 2, 3].map(celsius => host.deliver('filter', 'readings', reading(celsius)))
    await clock.advance(0)
    await runtime.stopModule('filter', 1_000)
    expect(await Promise.all(settlements)).toEqual(['completed', 'abandoned', 'abandoned'])
    expect(await states()).toEqual({ filter: 'stopped' })
  })
})

describe('every', () => {
  it('beats at a steady pace, leaves missed beats out, and ends with the module', async () => {
    const beats: number[] = []
    let busy = 0
    const { clock, runtime, states } = await running({
      async sensor({ every }) {
        for await (const _ of every('1 s')) {
          beats.push(clock.now())
          if (busy > 0) await new Promise<void>(resolve => clock.after(busy, resolve))
        }
      },
    })
    await clock.advance(2_000)
    busy = 2_500
    await clock.advance(1_000)
    busy = 0
    await clock.advance(4_000)
    expect(beats).toEqual([1_000, 2_000, 3_000, 6_000, 7_000])
    await runtime.stopModule('sensor', 1_000)
    expect(await states()).toEqual({ sensor: 'stopped' })
    expect(clock.pending).toEqual([])
  })

  it('refuses a pace that is none', async () => {
    const { clock, states } = await running({
      async sensor({ every }) {
        for await (const _ of every(0));
      },
    })
    await clock.advance(0)
    expect(await states()).toEqual({ sensor: 'failed' })
  })
})

describe('twin and methods', () => {
  it('reads, reports and follows the twin', async () => {
    const patches: unknown[] = []
    const { host, clock } = await running({
      async sensor({ twin }) {
        await twin.report({ desiredAtStart: (await twin.get()).desired.properties })
        for await (const { patch, version } of twin.changes()) patches.push([version, patch])
      },
    })
    await host.untilSubscribed('sensor', 'desired')
    expect(host.twin('sensor').reported.properties).toEqual({ desiredAtStart: {} })
    host.setDesired('sensor', { period: 5 })
    await clock.advance(0)
    expect(patches).toEqual([[2, { period: 5 }]])
  })

  it('answers methods; one that throws or is unknown hurts nobody', async () => {
    const { host, states } = await running({
      async sensor({ method, signal }) {
        await method('double', payload => ({ status: 200, payload: Number(payload) * 2 }))
        await method('broken', () => {
          throw new Error('out of order')
        })
        await new Promise(resolve => signal.addEventListener('abort', resolve))
      },
    })
    await host.untilSubscribed('sensor', 'methods')
    expect(await host.invoke('sensor', 'double', 21)).toEqual({ status: 200, payload: 42 })
    expect(await host.invoke('sensor', 'broken')).toEqual({ status: 500, payload: 'out of order' })
    expect(await host.invoke('sensor', 'missing')).toMatchObject({ status: 501 })
    expect(await states()).toEqual({ sensor: 'running' })
  })
})

describe('a run', () => {
  const patient: ModuleFunction = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  it('that ends with the reason of its signal has ended well', async () => {
    const { runtime, states } = await running({ patient })
    await runtime.stopModule('patient', 1_000)
    expect(await states()).toEqual({ patient: 'stopped' })
  })

  it('fails when the hub ends its session, and is given up when it does not notice', async () => {
    const { host, clock, runtime } = await running({ patient, stubborn: () => new Promise(() => undefined) })
    host.end('patient', { kind: 'taken-over' })
    host.end('stubborn', { kind: 'taken-over' })
    await clock.advance(10_000)
    expect(await runtime.list()).toMatchObject([
      { name: 'patient', state: 'failed', reason: 'session ended: taken-over' },
      { name: 'stubborn', state: 'failed', exitCode: 137 },
    ])
  })

  it('that gets no session fails to start', async () => {
    const host = memoryModuleHost()
    const error = new EdgewrightError('NOT_RUNNING', 'The hub is stopped')
    const runtime = new InProcessRuntime(
      { host: { ...host, connect: () => Promise.reject(error) } },
      { functions: { patient } },
    )
    await runtime.start()
    await runtime.create(runtime.specifications[0]!)
    await expect(runtime.startModule('patient')).rejects.toBe(error)
    expect(await runtime.list()).toMatchObject([{ state: 'failed', reason: 'The hub is stopped' }])
  })

  it('can be stopped, and given up, while it waits for its session', async () => {
    const states: ModuleState[] = []
    const runtime = new InProcessRuntime({ host: { connect: () => new Promise(() => {}) } }, { functions: { patient } })
    runtime.watch((_, observation) => states.push(observation!.state), new AbortController().signal)
    await runtime.start()
    await runtime.create(runtime.specifications[0]!)
    const stopped = expect(runtime.startModule('patient')).rejects.toMatchObject({ code: 'MODULE_STOPPING' })
    await runtime.stopModule('patient', 1_000)
    await stopped
    const giveUp = new AbortController()
    const givenUp = expect(runtime.startModule('patient', giveUp.signal)).rejects.toThrow()
    giveUp.abort()
    await givenUp
    expect(states).toEqual(['created', 'stopped', 'stopped'])
  })

  it('ends with its runtime', async () => {
    const { runtime, host } = await running({ patient })
    await runtime.stop()
    expect(await runtime.list()).toEqual([])
    expect(await host.deliver('patient', 'any', createMessage({}))).toBe('abandoned')
  })

  it('needs a function of this program', async () => {
    const { runtime } = await running({ patient })
    const specification = { name: 'toString', type: 'in-process', settings: {}, environment: {} }
    await expect(runtime.create(specification)).rejects.toMatchObject({ code: 'MODULE_NOT_AVAILABLE' })
  })
})
