import type { EdgewrightError } from '@edgewright/core'
import { memoryModuleHost, virtualClock } from '@edgewright/testkit'
import { describe, expect, it } from 'vitest'
import {
  InProcessRuntime,
  type ModuleFunction,
  type ModuleStatus,
  type RestartPolicy,
  Supervisor,
} from '../src/index.js'

const patient: ModuleFunction = ({ signal }) =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

function supervise(functions: Record<string, ModuleFunction>, restartPolicy: RestartPolicy = 'always') {
  const clock = virtualClock({ start: 0 })
  const runtime = new InProcessRuntime({ host: memoryModuleHost(), clock }, { functions })
  const modules = runtime.specifications.map(specification => ({ specification, restartPolicy }))
  const supervisor = new Supervisor({ runtimes: [runtime], clock, random: () => 0 }, { modules })
  const history: string[] = []
  supervisor.on('status', ({ name, state }: ModuleStatus) => history.push(`${clock.monotonic()} ${name} ${state}`))
  const states = () => Object.fromEntries(supervisor.status().map(({ name, state }) => [name, state]))
  return { clock, runtime, supervisor, history, states }
}

/** A function that crashes so many times before it stays. */
function crashing(times: number): ModuleFunction {
  let left = times
  return async context => {
    if (left-- > 0) throw new Error('crashed on purpose')
    await patient(context)
  }
}

describe('Supervisor', () => {
  it('starts every module, and stops them with itself', async () => {
    const { supervisor, clock, states, runtime } = supervise({ a: patient, b: patient })
    await supervisor.start()
    await clock.advance(0)
    expect(states()).toEqual({ a: 'running', b: 'running' })
    await supervisor.stop()
    expect(await runtime.list()).toEqual([])
    await supervisor.start()
    await clock.advance(0)
    expect(states()).toEqual({ a: 'running', b: 'running' })
    await supervisor.stop()
  })

  it('leaves modules alone until it is known what is wanted, and tells when one is gone', async () => {
    const { supervisor, clock, states } = supervise({ a: patient, b: patient })
    await supervisor.start()
    await clock.advance(0)
    const gone: string[] = []
    supervisor.on('gone', name => gone.push(name))
    supervisor.apply([], true)
    await clock.advance(1_000)
    expect(states()).toEqual({ a: 'running', b: 'running' })
    supervisor.apply([])
    await clock.advance(1_000)
    expect(states()).toEqual({})
    expect(gone.sort()).toEqual(['a', 'b'])
    await supervisor.stop()
  })

  it('makes a module anew when it is told to', async () => {
    let runs = 0
    const counted: ModuleFunction = context => {
      runs++
      return patient(context)
    }
    const { supervisor, clock, states } = supervise({ counted, steady: patient })
    await supervisor.start()
    await clock.advance(0)
    await supervisor.recreate('counted', 'its identity is another')
    await clock.advance(0)
    expect(runs).toBe(2)
    expect(states()).toEqual({ counted: 'running', steady: 'running' })
    expect(supervisor.status().map(({ restarts }) => restarts)).toEqual([0, 0])
    await expect(supervisor.recreate('nobody', '')).rejects.toMatchObject({ code: 'MODULE_NOT_FOUND' })
    await supervisor.stop()
  })

  it('tells how far fetching has come, and tries again at once when it is told to', async () => {
    const { supervisor, clock, runtime } = supervise({ a: patient })
    let failures = 3
    runtime.pull = async (...args: unknown[]) => {
      const onProgress = args[2] as (progress: object) => void
      onProgress({ doneBytes: 50, totalBytes: 100 })
      await new Promise(resolve => clock.after(10, () => resolve(undefined)))
      if (failures-- > 0) throw new Error('the link is down')
    }
    await supervisor.start()
    await clock.advance(5)
    expect(supervisor.status()).toMatchObject([{ state: 'downloading', progress: { doneBytes: 50, totalBytes: 100 } }])
    await clock.advance(40_000)
    expect(supervisor.status()).toMatchObject([{ state: 'missing', failure: 'the link is down' }])
    supervisor.retry()
    await clock.advance(10)
    expect(supervisor.status()).toMatchObject([{ state: 'running' }])
    await supervisor.stop()
  })

  it('restarts a module that crashes, with growing delays, and leaves the others alone', async () => {
    const { supervisor, clock, history, states, runtime } = supervise({ shaky: crashing(3), steady: patient })
    await supervisor.start()
    await clock.advance(0)
    await clock.advance(70_000)
    expect(states()).toEqual({ shaky: 'running', steady: 'running' })
    const [shaky] = supervisor.status()
    expect(shaky).toMatchObject({ restarts: 3 })
    const starts = history.filter(entry => entry.endsWith('shaky running')).map(entry => Number.parseInt(entry, 10))
    expect(starts.at(-1)).toBe(70_000)
    expect([...new Set(history.filter(entry => entry.endsWith('shaky backoff')))]).toEqual([
      '0 shaky backoff',
      '10000 shaky backoff',
      '30000 shaky backoff',
    ])
    expect((await runtime.list()).find(({ name }) => name === 'steady')!.startedAt).toBe(0)
    await supervisor.stop()
  })

  it('forgets restarts after a healthy time', async () => {
    const { supervisor, clock } = supervise({ shaky: crashing(1) })
    await supervisor.start()
    await clock.advance(0)
    await clock.advance(10_000)
    expect(supervisor.status()).toMatchObject([{ state: 'running', restarts: 1, nextActionAt: 610_000 }])
    await clock.advance(600_000)
    expect(supervisor.status()).toMatchObject([{ state: 'running', restarts: 0, reason: 'it runs' }])
    await supervisor.stop()
  })

  it('gives a module up after 20 restarts, with the reason', async () => {
    const { supervisor, clock } = supervise({ broken: crashing(100) })
    await supervisor.start()
    await clock.advance(0)
    await clock.advance(24 * 3_600_000)
    expect(supervisor.status()).toMatchObject([
      { state: 'failed', restarts: 20, reason: 'crashed on purpose; it was restarted 20 times' },
    ])
    expect(clock.pending).toEqual([])
    await supervisor.stop()
  })

  it('does not let a corrected wall clock delay a restart', async () => {
    const { supervisor, clock, states } = supervise({ shaky: crashing(1) })
    await supervisor.start()
    await clock.advance(0)
    await clock.advance(1_000)
    clock.jump(-86_400_000)
    await clock.advance(9_000)
    expect(states()).toEqual({ shaky: 'running' })
    await supervisor.stop()
  })

  it('leaves a module alone that ended, when its policy says so', async () => {
    const { supervisor, clock } = supervise({ once: async () => {} }, 'never')
    await supervisor.start()
    await clock.advance(0)
    await clock.advance(3_600_000)
    expect(supervisor.status()).toMatchObject([{ state: 'stopped', restarts: 0 }])
    await supervisor.stop()
  })

  it('keeps trying a module that cannot be made, and starts the rest at once', async () => {
    const clock = virtualClock({ start: 0 })
    const runtime = new InProcessRuntime({ host: memoryModuleHost(), clock }, { functions: { steady: patient } })
    const missing = { name: 'missing', type: 'in-process', settings: {}, environment: {} }
    const modules = [missing, ...runtime.specifications].map(specification => ({ specification }))
    const supervisor = new Supervisor({ runtimes: [runtime], clock, random: () => 0 }, { modules })
    await supervisor.start()
    await clock.advance(0)
    expect(supervisor.status()).toMatchObject([
      { name: 'missing', state: 'missing', nextActionAt: 10_000 },
      { name: 'steady', state: 'running' },
    ])
    await clock.advance(10_000)
    expect(supervisor.status()[0]).toMatchObject({ nextActionAt: 30_000 })
    await supervisor.stop()
  })

  it('notices a module that vanished, and makes it again', async () => {
    const { supervisor, clock, runtime, states } = supervise({ a: patient })
    await supervisor.start()
    await clock.advance(0)
    await runtime.remove('a')
    await clock.advance(20_000)
    expect(states()).toEqual({ a: 'running' })
    await supervisor.stop()
  })

  it('stops promptly while a module is being started', async () => {
    const clock = virtualClock()
    const host = { connect: () => new Promise<never>(() => undefined) }
    const runtime = new InProcessRuntime({ host, clock }, { functions: { patient } })
    const modules = runtime.specifications.map(specification => ({ specification }))
    const supervisor = new Supervisor({ runtimes: [runtime], clock }, { modules })
    await supervisor.start()
    await clock.advance(0)
    await supervisor.stop()
    expect(supervisor.state).toBe('stopped')
  })

  it('refuses a module that no runtime takes', () => {
    const modules = [{ specification: { name: 'web', type: 'docker', settings: {}, environment: {} } }]
    expect(() => new Supervisor({ runtimes: [] }, { modules })).toThrow(
      expect.objectContaining<Partial<EdgewrightError>>({ code: 'MODULE_TYPE_UNKNOWN', place: 'web' }),
    )
  })
})
