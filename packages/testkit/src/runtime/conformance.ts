import assert from 'node:assert/strict'
import type { ModuleObservation, ModuleRuntime, ModuleSpecification, ModuleState } from '@edgewright/core'
import type { TestRunner } from '../runner.js'

/** How a module of the suite behaves. The adapter says what makes it so. */
export type ModuleBehaviour =
  /** Writes the line `ready` and, on stderr, the line `trouble`; then runs until it is told to end, and ends well. */
  | 'stays'
  /** Ends well at once. */
  | 'ends'
  /** Crashes at once. */
  | 'fails'
  /** Writes the line `ready`, and from then on runs on whatever it is told. */
  | 'stubborn'
  /** Cannot be had: its image, file or function does not exist. */
  | 'unavailable'

/** A runtime that is to keep the promises of the port. */
export interface RuntimeUnderTest {
  /** A runtime of its own, not started. */
  create(): Promise<ModuleRuntime> | ModuleRuntime
  /** A module that behaves so. Names are unique within a run of the suite. */
  specification(name: string, behaviour: ModuleBehaviour): ModuleSpecification
}

/** Milliseconds that a module of the suite gets to end by itself; a stubborn one takes all of it. */
const GRACE = 10_000
const SHORT_GRACE = 50

/** Registers the tests that every {@link ModuleRuntime} must pass. */
export function runtimeConformance(runner: TestRunner, under: RuntimeUnderTest): void {
  let serial = 0
  const unique = () => `conformance-${process.pid}-${++serial}`

  /** A test that has a started runtime, and leaves none of its modules behind. */
  function test(name: string, body: (harness: Harness) => Promise<void>): void {
    runner.it(name, async () => {
      const runtime = await under.create()
      await runtime.start()
      const harness = new Harness(runtime, behaviour => under.specification(unique(), behaviour))
      try {
        await body(harness)
      } finally {
        await harness.clear()
        await runtime.stop()
      }
    })
  }

  runner.describe('a module', () => {
    test('is created without running, from what was asked for', async harness => {
      const specification = await harness.create('stays')
      const observed = await harness.observe(specification.name)
      assert.equal(observed?.state, 'created')
      assert.deepEqual(observed.specification, specification)
    })

    test('runs when started, ends when stopped, and runs again', async harness => {
      const { name } = await harness.create('stays')
      await harness.runtime.startModule(name)
      const running = await harness.until(name, 'running')
      assert.equal(typeof running.startedAt, 'number')
      await harness.untilWritten(name, 'ready')
      await harness.runtime.stopModule(name, GRACE)
      const stopped = await harness.until(name, 'stopped')
      assert.ok(stopped.exitedAt! >= stopped.startedAt!)
      await harness.runtime.startModule(name)
      await harness.until(name, 'running')
    })

    test('that ends by itself is stopped with exit code 0', async harness => {
      const { name } = await harness.start('ends')
      assert.equal((await harness.until(name, 'stopped')).exitCode, 0)
    })

    test('that crashes has failed, is seen to have, and touches no other', async harness => {
      const other = await harness.start('stays')
      const before = await harness.until(other.name, 'running')
      const seen: (ModuleObservation | undefined)[] = []
      const watching = new AbortController()
      harness.runtime.watch((_, observation) => seen.push(observation), watching.signal)
      const { name } = await harness.start('fails')
      const failed = await harness.until(name, 'failed')
      watching.abort()
      assert.notEqual(failed.exitCode, 0)
      assert.ok(seen.some(observation => observation?.name === name && observation.state === 'failed'))
      assert.deepEqual(await harness.observe(other.name), before)
    })

    test('that crashed can be started again', async harness => {
      const { name } = await harness.start('fails')
      const first = await harness.until(name, 'failed')
      await harness.runtime.startModule(name).catch(() => undefined)
      const second = await harness.until(name, 'failed')
      assert.ok(second.startedAt! >= first.startedAt!)
    })

    test('that does not end is ended after its grace', async harness => {
      const { name } = await harness.start('stubborn')
      await harness.until(name, 'running')
      await harness.untilWritten(name, 'ready')
      await harness.runtime.stopModule(name, SHORT_GRACE)
      assert.equal((await harness.until(name, 'failed')).exitCode, 137)
    })

    test('is gone when removed, also while it runs', async harness => {
      const { name } = await harness.start('stays')
      await harness.until(name, 'running')
      const watching = new AbortController()
      const gone = new Promise<void>(resolve => {
        harness.runtime.watch((changed, observation) => {
          if (changed === name && observation === undefined) resolve()
        }, watching.signal)
      })
      await harness.runtime.remove(name)
      assert.equal(await harness.observe(name), undefined)
      await gone
      watching.abort()
    })

    test('that cannot be had is refused, and nothing of it is left', async harness => {
      const specification = harness.specification('unavailable')
      await assert.rejects(async () => {
        await harness.runtime.pull(specification)
        await harness.runtime.create(specification)
      })
      assert.equal(await harness.observe(specification.name), undefined)
    })
  })

  runner.describe('calls', () => {
    test('may be repeated', async harness => {
      const specification = await harness.create('stays')
      const { name } = specification
      const { runtime } = harness
      await runtime.create(specification)
      await Promise.all([runtime.startModule(name), runtime.startModule(name)])
      const running = await harness.until(name, 'running')
      await runtime.startModule(name)
      assert.equal((await harness.until(name, 'running')).startedAt, running.startedAt)
      await harness.untilWritten(name, 'ready')
      await Promise.all([runtime.stopModule(name, GRACE), runtime.stopModule(name, GRACE)])
      await runtime.stopModule(name, GRACE)
      await runtime.remove(name)
      await runtime.remove(name)
    })

    test('refuse a second module of the same name', async harness => {
      const specification = await harness.create('stays')
      const other = { ...specification, environment: { OTHER: '1' } }
      await assert.rejects(harness.runtime.create(other), { code: 'MODULE_EXISTS' })
    })

    test('for a module that does not exist say so, or do nothing where nothing is to be done', async harness => {
      const { runtime } = harness
      const name = unique()
      await assert.rejects(runtime.startModule(name), { code: 'MODULE_NOT_FOUND' })
      await assert.rejects(lines(runtime.logs(name)), { code: 'MODULE_NOT_FOUND' })
      await runtime.stopModule(name, GRACE)
      await runtime.remove(name)
    })

    runner.it('are refused before start', async () => {
      const runtime = await under.create()
      await assert.rejects(runtime.create(under.specification(unique(), 'stays')), { code: 'NOT_RUNNING' })
    })

    test('that watch hear nothing once their signal is aborted', async harness => {
      const { name } = await harness.create('stays')
      const seen: string[] = []
      const watching = new AbortController()
      harness.runtime.watch(changed => seen.push(changed), watching.signal)
      watching.abort()
      await harness.runtime.startModule(name)
      await harness.until(name, 'running')
      assert.deepEqual(seen, [])
    })
  })

  runner.describe('logs', () => {
    test('keep what a module wrote, by stream', async harness => {
      const { name } = await harness.start('stays')
      await harness.untilWritten(name, 'ready')
      await harness.untilWritten(name, 'trouble')
      const written = await lines(harness.runtime.logs(name))
      assert.ok(written.some(line => line.stream === 'stdout' && line.text.includes('ready')))
      assert.ok(written.some(line => line.stream === 'stderr' && line.text.includes('trouble')))
      assert.equal((await lines(harness.runtime.logs(name, { tail: 1 }))).length, 1)
      const [last] = written.slice(-1)
      assert.deepEqual(await lines(harness.runtime.logs(name, { since: last!.time + 60_000 })), [])
    })

    test('are followed until the signal is aborted', async harness => {
      const { name } = await harness.create('stays')
      const following = new AbortController()
      const heard: string[] = []
      const reading = (async () => {
        for await (const { text } of harness.runtime.logs(name, { follow: true }, following.signal)) {
          heard.push(text)
          if (text.includes('trouble')) following.abort()
        }
      })()
      await harness.runtime.startModule(name)
      await reading
      assert.ok(heard.some(text => text.includes('ready')))
    })
  })
}

/** One runtime with the modules that a test makes on it. */
class Harness {
  readonly #made: string[] = []

  constructor(
    readonly runtime: ModuleRuntime,
    readonly specification: (behaviour: ModuleBehaviour) => ModuleSpecification,
  ) {}

  async create(behaviour: ModuleBehaviour): Promise<ModuleSpecification> {
    const specification = this.specification(behaviour)
    this.#made.push(specification.name)
    await this.runtime.pull(specification)
    await this.runtime.create(specification)
    return specification
  }

  async start(behaviour: ModuleBehaviour): Promise<ModuleSpecification> {
    const specification = await this.create(behaviour)
    await this.runtime.startModule(specification.name)
    return specification
  }

  async observe(name: string): Promise<ModuleObservation | undefined> {
    return (await this.runtime.list()).find(observation => observation.name === name)
  }

  /** Waits for a state by watching, and looks again after each change of any module. */
  async until(name: string, state: ModuleState): Promise<ModuleObservation> {
    const watching = new AbortController()
    try {
      for (;;) {
        const changed = new Promise<void>(resolve => this.runtime.watch(() => resolve(), watching.signal))
        const observed = await this.observe(name)
        if (observed?.state === state) return observed
        await changed
      }
    } finally {
      watching.abort()
    }
  }

  async untilWritten(name: string, text: string): Promise<void> {
    const following = new AbortController()
    for await (const line of this.runtime.logs(name, { follow: true }, following.signal)) {
      if (line.text.includes(text)) following.abort()
    }
  }

  async clear(): Promise<void> {
    for (const name of this.#made) await this.runtime.remove(name)
  }
}

async function lines<T>(all: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = []
  for await (const line of all) read.push(line)
  return read
}
