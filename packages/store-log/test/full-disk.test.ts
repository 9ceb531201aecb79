import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EdgewrightError, type Store } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { describe, it } from 'vitest'
import { LogStore } from '../src/index.js'
import { SimulatedDisk } from './simulated-disk.js'

const BODY = 4_096
const OPTIONS = { path: '/store', segmentBytes: 65_536, reserveBytes: 32_768 }

describe('LogStore on a disk that is full', () => {
  it('refuses appends, goes on removing, and heals when others give room', async () => {
    const disk = new SimulatedDisk()
    const clock = virtualClock()
    disk.faults.capacity = 400_000
    const store = new LogStore({ ...OPTIONS, fileSystem: disk, clock })
    await store.start()
    const count = await fillUp(store)
    assert.ok(count * BODY > 250_000, `full after ${count}`)
    await store.write({ put: [{ table: 't', key: 'k', value: Buffer.alloc(BODY) }] })
    for (let position = 0; position < 8; position++) await store.write({ remove: [{ queue: 'q', through: position }] })
    const [first] = await store.read('q', { limit: 1 })
    await store.write({
      remove: [{ queue: 'q', through: first!.position }],
      append: [{ payload: first!.payload, queues: [{ queue: 'moved' }] }],
    })
    assert.equal(store.queue('q').length, count - 9)
    assert.equal(store.queue('moved').length, 1)

    disk.faults.capacity = 800_000
    await healed(store, () => clock.advance(1_000))
    assert.ok((await fillUp(store)) * BODY > 250_000)
    await assertWhole(store)
    await store.stop()
    await store.start()
    await assertWhole(store)
    await store.stop()
  })

  it('heals when enough was removed', async () => {
    const disk = new SimulatedDisk()
    disk.faults.capacity = 400_000
    const store = new LogStore({ ...OPTIONS, fileSystem: disk })
    await store.start()
    for (let round = 0; round < 3; round++) {
      assert.ok((await fillUp(store)) > 30)
      await store.write({ remove: [{ queue: 'q', through: Infinity }] })
      await healed(store, () => undefined)
    }
    await store.stop()
  })

  it('starts, and gives out what it has', async () => {
    const disk = new SimulatedDisk()
    disk.faults.capacity = 400_000
    const store = new LogStore({ ...OPTIONS, fileSystem: disk })
    await store.start()
    const count = await fillUp(store)
    await store.stop()
    disk.faults.capacity = disk.used + 1_000
    await store.start()
    assert.equal(store.queue('q').length, count)
    await assertWhole(store)
    await store.write({ remove: [{ queue: 'q', through: 0 }] })
    await store.stop()
  })

  it('does the same on a real file system', async ({ skip }) => {
    const mount = mountSmall()
    if (mount === undefined) return skip('this user may not mount')
    const path = join(mount, 'store')
    const clock = virtualClock()
    const store = new LogStore({ path, segmentBytes: 65_536, reserveBytes: 65_536, clock })
    try {
      await store.start()
      const count = await fillUp(store)
      await store.write({ remove: [{ queue: 'q', through: Math.floor(count / 2) }] })
      await healed(store, () => clock.advance(1_000))
      writeFileSync(join(mount, 'other'), Buffer.alloc(100_000))
      await fillUp(store)
      rmSync(join(mount, 'other'))
      await healed(store, () => clock.advance(1_000))
      await assertWhole(store)
      await store.stop()
      await store.start()
      await assertWhole(store)
      await store.stop()
    } finally {
      await store.stop()
      execFileSync('umount', [mount])
      rmSync(mount, { recursive: true })
    }
  })
})

describe('LogStore on a disk that fails', () => {
  for (const failing of ['write', 'sync'] as const) {
    it(`forgets what it could not ${failing} although the process is killed at once`, async () => {
      const disk = new SimulatedDisk()
      const store = new LogStore({ ...OPTIONS, fileSystem: disk })
      await store.start()
      await store.write(entry('before'))
      disk.faults.before = operation => {
        if (operation !== failing) return
        delete disk.faults.before
        throw Object.assign(new Error('simulated'), { code: 'EIO' })
      }
      await assert.rejects(store.write(entry('lost')), error => EdgewrightError.is(error, 'STORE_FAILED'))
      const again = new LogStore({ ...OPTIONS, fileSystem: disk.afterKill() })
      await again.start()
      assert.deepEqual(await content(again), ['before'])
      await again.stop()
      await store.stop()
    })

    it(`lets a removal that could not ${failing} at first touch nothing that came after it`, async () => {
      const disk = new SimulatedDisk()
      const store = new LogStore({ ...OPTIONS, fileSystem: disk })
      await store.start()
      await store.write(entry('before'))
      let after: Promise<void> | undefined
      disk.faults.before = operation => {
        if (operation === failing) throw Object.assign(new Error('simulated'), { code: 'EIO' })
        if (operation !== 'truncate') return
        delete disk.faults.before
        after = store.write(entry('after'))
      }
      const lost = store.write(entry('lost'))
      const removed = store.write({ remove: [{ queue: 'q', through: Infinity }] })
      await assert.rejects(lost, error => EdgewrightError.is(error, 'STORE_FAILED'))
      await Promise.all([removed, after])
      assert.deepEqual(await content(store), ['after'])
      assert.equal(store.queue('q').length, 1)
      await store.stop()
      await store.start()
      assert.deepEqual(await content(store), ['after'])
      await store.stop()
    })

    it(`refuses what it could not ${failing}, forgets it for good, and goes on`, async () => {
      const disk = new SimulatedDisk()
      const store = new LogStore({ ...OPTIONS, fileSystem: disk })
      await store.start()
      await store.write(entry('before'))
      disk.faults.before = operation => {
        if (operation === failing) throw Object.assign(new Error('simulated'), { code: 'EIO' })
      }
      const [lost, alsoLost] = await Promise.allSettled([store.write(entry('lost')), store.write(entry('lost too'))])
      assert.ok(lost.status === 'rejected' && EdgewrightError.is(lost.reason, 'STORE_FAILED'))
      assert.equal(alsoLost.status, 'rejected')
      delete disk.faults.before
      await store.write(entry('after'))
      const expected = ['before', 'after']
      assert.deepEqual(await content(store), expected)
      await store.stop()
      const again = new LogStore({ ...OPTIONS, fileSystem: disk.afterKill() })
      await again.start()
      assert.deepEqual(await content(again), expected)
      await again.stop()
    })
  }
})

async function fillUp(store: Store): Promise<number> {
  for (let count = 0; ; count++) {
    try {
      await store.write(entry(`${store.queue('q').next} `.repeat(BODY / 4).slice(0, BODY)))
    } catch (error) {
      assert.ok(EdgewrightError.is(error, 'STORE_FULL'), String(error))
      return count
    }
  }
}

/** Tries until an append is taken again, a bounded number of times, each as long as a write takes. */
async function healed(store: Store, wait: () => unknown): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    await wait()
    await store.write({ put: [{ table: 't', key: 'attempt', value: Buffer.from([attempt]) }] })
    const taken = await store.write(entry(`${store.queue('q').next} healed`)).then(
      () => true,
      () => false,
    )
    if (taken) return
  }
  assert.fail('the store did not heal')
}

async function assertWhole(store: Store): Promise<void> {
  for (let from = store.queue('q').head; ; ) {
    const entries = await store.read('q', { from })
    if (entries.length === 0) return
    for (const { position, payload } of entries) assert.match(payload.toString(), new RegExp(`^${position} `))
    from = entries.at(-1)!.position + 1
  }
}

async function content(store: Store): Promise<string[]> {
  return (await store.read('q')).map(({ payload }) => payload.toString())
}

function entry(text: string) {
  return { append: [{ payload: Buffer.from(text), queues: [{ queue: 'q' }] }] }
}

/** A file system of 1 MiB, where this user may make one. */
function mountSmall(): string | undefined {
  if (process.getuid?.() !== 0) return undefined
  const path = mkdtempSync(join(tmpdir(), 'store-log-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' })
    return path
  } catch {
    rmSync(path, { recursive: true })
    return undefined
  }
}
