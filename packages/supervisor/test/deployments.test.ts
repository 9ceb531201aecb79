import {
  type ModuleObservation,
  type ModuleRuntime,
  type ModuleSpecification,
  type ModuleState,
  Service,
} from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { describe, expect, it } from 'vitest'
import { type SupervisedModule, Supervisor } from '../src/index.js'

type Call = 'pull' | 'create' | 'start' | 'stop' | 'remove'

/** A runtime in memory that notes its calls, and does with each what the test says. */
class NotingRuntime extends Service implements ModuleRuntime {
  readonly type = 'docker'
  readonly calls: string[] = []
  /** What a call waits for, or fails with, by `call name`. */
  readonly behaviour = new Map<string, (signal?: AbortSignal) => Promise<void>>()
  readonly #modules = new Map<string, ModuleObservation>()
  #listen: (name: string, observation: ModuleObservation | undefined) => void = () => undefined

  async list() {
    return [...this.#modules.values()]
  }
  watch(listener: (name: string, observation: ModuleObservation | undefined) => void) {
    this.#listen = listener
  }
  pull({ name }: ModuleSpecification, signal?: AbortSignal) {
    return this.#call('pull', name, signal)
  }
  async create(specification: ModuleSpecification, signal?: AbortSignal) {
    await this.#call('create', specification.name, signal)
    this.see({ name: specification.name, state: 'created', specification })
  }
  async startModule(name: string, signal?: AbortSignal) {
    await this.#call('start', name, signal)
    this.become(name, 'running')
  }
  async stopModule(name: string, _grace: number, signal?: AbortSignal) {
    await this.#call('stop', name, signal)
    this.become(name, 'stopped')
  }
  async remove(name: string, signal?: AbortSignal) {
    await this.#call('remove', name, signal)
    this.#modules.delete(name)
    this.#listen(name, undefined)
  }
  async *logs() {}

  /** A module changes its state by itself. */
  become(name: string, state: ModuleState) {
    this.see({ ...this.#modules.get(name)!, state })
  }
  see(observation: ModuleObservation) {
    this.#modules.set(observation.name, observation)
    this.#listen(observation.name, observation)
  }
  take(): string[] {
    return this.calls.splice(0)
  }

  protected async onStart() {}
  protected async onStop() {}

  async #call(call: Call, name: string, signal?: AbortSignal) {
    this.calls.push(`${call} ${name}`)
    await this.behaviour.get(`${call} ${name}`)?.(signal)
  }
}

function module(name: string, image = 'app:1', members: Partial<SupervisedModule> = {}): SupervisedModule {
  return { specification: { name, type: 'docker', settings: { image }, environment: {} }, ...members }
}

async function supervise(modules: readonly SupervisedModule[] = []) {
  const clock = virtualClock({ start: 0 })
  const runtime = new NotingRuntime()
  const supervisor = new Supervisor({ runtimes: [runtime], clock, random: () => 0 }, { modules })
  await supervisor.start()
  await clock.advance(0)
  const states = () => Object.fromEntries(supervisor.status().map(({ name, state }) => [name, state]))
  return { clock, runtime, supervisor, states }
}

/** A promise that waits until it is told, or its signal is aborted. */
function held() {
  let release = () => {}
  const waiting = new Promise<void>(resolve => (release = resolve))
  const wait = (signal?: AbortSignal) =>
    Promise.race([
      waiting,
      new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    ])
  return { wait, release: () => release() }
}

describe('a deployment', () => {
  it('brings up what is new, changes what changed, removes what is gone, and leaves the rest alone', async () => {
    const { clock, runtime, supervisor, states } = await supervise(
      ['same', 'changed', 'gone'].map(name => module(name)),
    )
    await clock.advance(0)
    runtime.take()
    supervisor.apply([
      module('same', 'app:1', { restartPolicy: 'never', version: '9' }),
      module('changed', 'app:2'),
      module('new'),
    ])
    await clock.advance(0)
    const calls = runtime.take()
    expect(calls.filter(call => call.endsWith('same'))).toEqual([])
    expect(calls.filter(call => call.endsWith('changed'))).toEqual(
      ['pull', 'stop', 'remove', 'create', 'start'].map(call => `${call} changed`),
    )
    expect(calls.filter(call => call.endsWith('gone'))).toEqual(['stop gone', 'remove gone'])
    expect(calls.filter(call => call.endsWith('new'))).toEqual(['pull new', 'create new', 'start new'])
    expect(states()).toEqual({ same: 'running', changed: 'running', new: 'running' })
    await clock.advance(3_600_000)
    expect(runtime.take()).toEqual([])
    await supervisor.stop()
  })

  it('is previewed with its reasons, and nothing is done', async () => {
    const { runtime, supervisor } = await supervise([module('a')])
    runtime.take()
    const { due } = supervisor.preview([module('a', 'app:2'), module('b')])
    expect(due).toMatchObject([
      { name: 'a', action: 'update', reason: 'it is to change: its image: app:1 became app:2' },
      { name: 'b', action: 'create', reason: 'it does not exist' },
    ])
    expect(runtime.take()).toEqual([])
    await supervisor.stop()
  })

  it('takes over at once from an older one that is still being carried out', async () => {
    const { clock, runtime, supervisor, states } = await supervise()
    const slow = held()
    runtime.behaviour.set('pull a', slow.wait)
    supervisor.apply([module('a')])
    await clock.advance(0)
    expect(states()).toEqual({ a: 'downloading' })
    runtime.behaviour.delete('pull a')
    supervisor.apply([module('a', 'app:2')])
    await clock.advance(0)
    expect(runtime.take()).toEqual(['pull a', 'pull a', 'create a', 'start a'])
    expect((await runtime.list())[0]!.specification.settings).toEqual({ image: 'app:2' })
    await supervisor.stop()
  })

  it('is carried out for one module while another one is fetched, and crashes meanwhile are mended', async () => {
    const { clock, runtime, supervisor, states } = await supervise([module('shaky')])
    const slow = held()
    runtime.behaviour.set('pull big', slow.wait)
    supervisor.apply([module('shaky'), module('big')])
    await clock.advance(0)
    runtime.become('shaky', 'failed')
    await clock.advance(10_000)
    expect(states()).toEqual({ shaky: 'running', big: 'downloading' })
    slow.release()
    await clock.advance(0)
    expect(states()).toEqual({ shaky: 'running', big: 'running' })
    await supervisor.stop()
  })

  it('keeps a module up as it is while its change is fetched, and while that fails', async () => {
    const { clock, runtime, supervisor, states } = await supervise([module('a')])
    runtime.take()
    const slow = held()
    runtime.behaviour.set('pull a', slow.wait)
    supervisor.apply([module('a', 'app:2')])
    await clock.advance(0)
    runtime.become('a', 'failed')
    await clock.advance(10_000)
    expect(runtime.take()).toEqual(['pull a', 'start a'])
    expect((await runtime.list())[0]).toMatchObject({
      state: 'running',
      specification: { settings: { image: 'app:1' } },
    })

    runtime.behaviour.set('pull a', () => Promise.reject(new Error('no such image')))
    supervisor.apply([module('a', 'app:3')])
    await clock.advance(100_000)
    runtime.take()
    runtime.become('a', 'failed')
    await clock.advance(10_000)
    expect(runtime.take()).toEqual(['start a'])
    expect(supervisor.status()[0]).toMatchObject({ failure: 'no such image', restarts: 1 })

    runtime.behaviour.clear()
    await clock.advance(300_000)
    expect(runtime.take()).toEqual(['pull a', 'stop a', 'remove a', 'create a', 'start a'])
    expect(states()).toEqual({ a: 'running' })
    await supervisor.stop()
  })

  it('does not begin a change while the module is kept up', async () => {
    const { clock, runtime, supervisor } = await supervise([module('a')])
    runtime.take()
    const [fetched, started] = [held(), held()]
    runtime.behaviour.set('pull a', fetched.wait).set('start a', started.wait)
    supervisor.apply([module('a', 'app:2')])
    await clock.advance(0)
    runtime.become('a', 'failed')
    await clock.advance(10_000)
    fetched.release()
    await clock.advance(0)
    expect(runtime.take()).toEqual(['pull a', 'start a'])
    runtime.behaviour.clear()
    started.release()
    await clock.advance(0)
    expect(runtime.take()).toEqual(['stop a', 'remove a', 'create a', 'start a'])
    await supervisor.stop()
  })

  it('spaces the upkeep that fails', async () => {
    const { clock, runtime, supervisor } = await supervise([module('a', 'app:1', { restartPolicy: 'on-failure' })])
    runtime.behaviour.set('pull a', held().wait).set('start a', () => Promise.reject(new Error('no start')))
    supervisor.apply([module('a', 'app:2', { restartPolicy: 'on-failure' })])
    runtime.become('a', 'stopped')
    runtime.take()
    await clock.advance(20_000)
    expect(runtime.take().filter(call => call === 'start a')).toHaveLength(4)
    await supervisor.stop()
  })

  it('brings up an order as soon as the one before says that it is ready, and not before', async () => {
    const { clock, runtime, supervisor, states } = await supervise()
    const start = runtime.startModule.bind(runtime)
    const say = async (isReady: boolean) => {
      const first = (await runtime.list()).find(({ name }) => name === 'first')!
      runtime.see({ ...first, isReady })
      await clock.advance(0)
    }
    runtime.startModule = async (name, signal) => {
      await start(name, signal)
      if (name === 'first') await say(false)
    }
    supervisor.apply([module('first', 'app:1', { startupOrder: 1 }), module('second', 'app:1', { startupOrder: 2 })])
    await clock.advance(60_000)
    expect(states()).toEqual({ first: 'running', second: 'missing' })
    await say(true)
    expect(states()).toEqual({ first: 'running', second: 'running' })
    await supervisor.stop()
  })

  it('brings up an order when the one before has run for a while', async () => {
    const { clock, supervisor, states } = await supervise([
      module('second', 'app:1', { startupOrder: 2 }),
      module('first', 'app:1', { startupOrder: 1 }),
    ])
    await clock.advance(4_999)
    expect(states()).toEqual({ first: 'running', second: 'missing' })
    await clock.advance(1)
    expect(states()).toEqual({ first: 'running', second: 'running' })
    await supervisor.stop()
  })

  it('is not held up by a module that cannot be had, and keeps trying it', async () => {
    const { clock, runtime, supervisor, states } = await supervise()
    runtime.behaviour.set('pull first', () => Promise.reject(new Error('no such image')))
    supervisor.apply([module('first', 'app:1', { startupOrder: 1 }), module('second', 'app:1', { startupOrder: 2 })])
    await clock.advance(0)
    expect(states()).toEqual({ first: 'missing', second: 'running' })
    expect(supervisor.status()[0]).toMatchObject({ failure: 'no such image', nextActionAt: 10_000 })
    runtime.behaviour.clear()
    await clock.advance(10_000)
    expect(states()).toEqual({ first: 'running', second: 'running' })
    expect(supervisor.status()[0]!.failure).toBeUndefined()
    await supervisor.stop()
  })

  it('stops a module and starts it again at once, whatever its policy', async () => {
    const never = { restartPolicy: 'never' as const }
    const { clock, supervisor, states } = await supervise([module('a', 'app:1', never)])
    supervisor.apply([module('a', 'app:1', { ...never, status: 'stopped' })])
    await clock.advance(0)
    expect(states()).toEqual({ a: 'stopped' })
    supervisor.apply([module('a', 'app:1', never)])
    await clock.advance(0)
    expect(states()).toEqual({ a: 'running' })
    await supervisor.stop()
  })

  it('does not repeat steps without a pause that have no effect', async () => {
    const { clock, runtime, supervisor } = await supervise()
    const create = runtime.create.bind(runtime)
    runtime.create = async specification =>
      await create({ ...specification, settings: { ...specification.settings, drifted: true } })
    supervisor.apply([module('a')])
    await clock.advance(9_000)
    expect(runtime.take().filter(call => call === 'create a').length).toBeLessThanOrEqual(2)
    expect(supervisor.status()[0]!.failure).toBe('it had no effect')
    await supervisor.stop()
  })

  it('is mended when somebody removes a module by hand', async () => {
    const { clock, runtime, supervisor, states } = await supervise([module('a')])
    await runtime.remove('a')
    await clock.advance(0)
    expect(states()).toEqual({ a: 'running' })
    await supervisor.stop()
  })
})
