import assert from 'node:assert/strict'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EdgewrightError } from '@edgewright/core'
import { storeConformance } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { MemoryStore } from './memory-store.js'

describe('MemoryStore', () => {
  storeConformance({ describe, it }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'store-memory-'))
    return {
      open: settings => new MemoryStore({ snapshotPath: join(directory, 'deep', 'snapshot'), ...settings }),
      keepsData: true,
      isExclusive: false,
      dispose: () => rm(directory, { recursive: true }),
    }
  })
})

describe('MemoryStore without a snapshot', () => {
  storeConformance({ describe, it }, () => ({
    open: settings => new MemoryStore(settings),
    keepsData: false,
    isExclusive: false,
    dispose: async () => undefined,
  }))

  it('is empty after a stop', async () => {
    const store = new MemoryStore()
    await store.start()
    await store.write({ append: [{ payload: Buffer.from('x'), queues: [{ queue: 'q' }] }] })
    await store.stop()
    await store.start()
    assert.deepEqual(store.queues(), [])
    await store.stop()
  })
})

describe('the snapshot of a MemoryStore', () => {
  it('is used up by the start that restores it', async () => {
    await using store = await stoppedWithData()
    await access(store.path)
    await store.start()
    await assert.rejects(access(store.path))
  })

  it('is refused when damaged, and left where it is', async () => {
    await using store = await stoppedWithData()
    const intact = await readFile(store.path)
    for (const at of [0, 20, 27, intact.length - 1]) {
      const damaged = Buffer.from(intact)
      damaged[at]! ^= 1
      await writeFile(store.path, damaged)
      await assert.rejects(
        store.start(),
        error => EdgewrightError.is(error, 'STORE_DAMAGED') && error.place === store.path,
      )
      assert.deepEqual(await readFile(store.path), damaged)
    }
    await writeFile(store.path, intact.subarray(0, 10))
    await assert.rejects(store.start(), error => EdgewrightError.is(error, 'STORE_DAMAGED'))
    await access(store.path)
  })
})

async function stoppedWithData() {
  const directory = await mkdtemp(join(tmpdir(), 'store-memory-'))
  const path = join(directory, 'snapshot')
  const store = new MemoryStore({ snapshotPath: path })
  await store.start()
  await store.write({ append: [{ payload: Buffer.from('x'), queues: [{ queue: 'q' }] }] })
  await store.stop()
  return {
    path,
    start: () => store.start(),
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true })
      await store.stop()
      await rm(directory, { recursive: true })
    },
  }
}
