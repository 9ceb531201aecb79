import assert from 'node:assert/strict'
import type { Store } from '@edgewright/core'
import { describe, it } from 'vitest'
import { LogStore } from '../src/index.js'
import { SimulatedDisk } from './simulated-disk.js'

const SEGMENT = 65_536
const BODY = 1_000

describe('LogStore gives back room', () => {
  it('deletes segments as their entries are removed', async () => {
    await using test = await started()
    await append(test.store, 2_000, () => ['q'])
    const full = segments(test.disk)
    assert.ok(full > 12, `${full} segments`)
    await test.store.write({ remove: [{ queue: 'q', through: 1_799 }] })
    await settled(test.store)
    assert.ok(segments(test.disk) < full * 0.35, `${segments(test.disk)} of ${full} segments are left`)
  })

  it('moves what is still wanted out of segments that are mostly dead', async () => {
    await using test = await started()
    await append(test.store, 2_000, i => (i % 40 === 0 ? ['slow', 'other'] : ['fast']))
    await test.store.write({ put: [{ table: 't', key: 'k', value: Buffer.from('row') }] })
    await append(test.store, 200, () => ['fast'])
    const full = test.disk.used
    for (let through = 99; through < 2_200; through += 100)
      await test.store.write({ remove: [{ queue: 'fast', through }] })
    await settled(test.store)
    assert.ok(test.disk.used < full * 0.2, `${test.disk.used} of ${full} bytes are left`)
    await assertSlow(test.store)
    await test.restart()
    await assertSlow(test.store)
  })

  it('keeps a payload as long as one of its queues wants it', async () => {
    await using test = await started()
    await append(test.store, 500, () => ['a', 'b', 'c'])
    await test.store.write({
      remove: [
        { queue: 'a', through: Infinity },
        { queue: 'c', through: Infinity },
      ],
    })
    await append(test.store, 500, () => ['d'])
    await test.store.write({ remove: [{ queue: 'd', through: Infinity }] })
    await settled(test.store)
    assert.equal(await count(test.store, 'b'), 500)
    await test.restart()
    assert.equal(await count(test.store, 'b'), 500)
  })

  it('keeps no more than two snapshots, and no index without its segment', async () => {
    await using test = await started()
    await append(test.store, 1_500, () => ['q'])
    await test.store.write({ remove: [{ queue: 'q', through: 1_000 }] })
    await settled(test.store)
    await test.store.stop()
    const names = test.disk.files
    assert.equal(names.filter(name => name.endsWith('.snapshot')).length, 2)
    for (const index of names.filter(name => name.endsWith('.index'))) {
      assert.ok(names.includes(index.replace('.index', '.segment')), index)
    }
  })
})

describe('LogStore without what it derived', () => {
  it('opens without indexes', async () => {
    await using test = await started()
    await append(test.store, 600, () => ['q'])
    await test.store.write({ remove: [{ queue: 'q', from: 100, through: 199 }] })
    await test.restart(disk => forget(disk, '.index'))
    assert.equal(await count(test.store, 'q'), 500)
    await test.restart()
    assert.equal(await count(test.store, 'q'), 500)
  })

  it('opens without the newest snapshot, and gives no position twice', async () => {
    await using test = await started()
    await append(test.store, 600, () => ['q'])
    await test.restart(disk => {
      const newest = disk.files
        .filter(name => name.endsWith('.snapshot'))
        .sort()
        .at(-1)!
      disk.tamper(newest, bytes => bytes.fill(0, 40, 60))
    })
    assert.equal(await count(test.store, 'q'), 600)
    assert.ok(test.store.queue('q').next > 600)
    assert.deepEqual(
      test.findings.map(({ kind }) => kind),
      ['damaged'],
    )
    const after = test.findings.length
    await test.restart()
    assert.equal(test.findings.length, after, 'what was set aside is not found again')
    assert.equal(await count(test.store, 'q'), 600)
  })

  it('opens from its segments alone', async () => {
    await using test = await started()
    await append(test.store, 1_000, i => (i % 40 === 0 ? ['slow', 'other'] : ['fast']))
    await test.store.write({ put: [{ table: 't', key: 'k', value: Buffer.from('row') }] })
    for (let through = 99; through < 1_000; through += 100)
      await test.store.write({ remove: [{ queue: 'fast', through }] })
    await settled(test.store)
    await test.restart(disk => {
      forget(disk, '.index')
      forget(disk, '.snapshot')
    })
    assert.equal(await count(test.store, 'slow'), 25)
    assert.equal(await count(test.store, 'other'), 25)
    assert.equal((await test.store.get('t', 'k'))?.toString(), 'row')
  })
})

async function started() {
  const disk = new SimulatedDisk()
  const options = { path: '/store', fileSystem: disk, segmentBytes: SEGMENT, cacheBytes: 0, reserveBytes: 0 }
  const findings: { readonly kind: string }[] = []
  const open = async (): Promise<Store> => {
    const store = new LogStore(options)
    store.on('findings', found => findings.push(...found))
    await store.start()
    return store
  }
  const test = {
    disk,
    findings,
    store: await open(),
    async restart(meanwhile: (disk: SimulatedDisk) => void = () => undefined) {
      await test.store.stop()
      meanwhile(disk)
      test.store = await open()
    },
    [Symbol.asyncDispose]: () => test.store.stop(),
  }
  return test
}

async function append(store: Store, count: number, queuesOf: (index: number) => readonly string[]): Promise<void> {
  for (let first = 0; first < count; first += 50) {
    const numbers = Array.from({ length: Math.min(50, count - first) }, (_, i) => first + i)
    await store.write({
      append: numbers.map(i => ({
        payload: Buffer.from(`${i} `.repeat(BODY).slice(0, BODY)),
        queues: queuesOf(i).map(queue => ({ queue })),
      })),
    })
  }
}

/** Every entry of a queue tells the number that it was given. */
async function assertSlow(store: Store): Promise<void> {
  for (const queue of ['slow', 'other']) {
    const entries = await store.read(queue)
    assert.deepEqual(
      entries.map(({ payload }) => Number.parseInt(payload.toString(), 10)),
      Array.from({ length: 50 }, (_, i) => i * 40),
    )
  }
  assert.equal((await store.get('t', 'k'))?.toString(), 'row')
}

async function count(store: Store, queue: string): Promise<number> {
  let entries = 0
  for (let from = 0; ; ) {
    const batch = await store.read(queue, { from })
    if (batch.length === 0) return entries
    entries += batch.length
    from = batch.at(-1)!.position + 1
  }
}

/** Lets what happens beside the writes happen. */
async function settled(store: Store): Promise<void> {
  for (let i = 0; i < 200; i++) await store.write({ put: [{ table: 'tick', key: 'k', value: Buffer.from([i]) }] })
}

function segments(disk: SimulatedDisk): number {
  return disk.files.filter(name => name.endsWith('.segment')).length
}

function forget(disk: SimulatedDisk, suffix: string): void {
  for (const name of disk.files) if (name.endsWith(suffix)) disk.tamper(name, () => undefined)
}
