import assert from 'node:assert/strict'
import { EdgewrightError, type Store } from '@edgewright/core'
import { randomChange, seededRandom, StoreModel } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { LogStore } from '../src/index.js'
import { SimulatedDisk, systemError } from './simulated-disk.js'

const SEEDS = Number(process.env.FAULT_SEEDS ?? 12)
const BURSTS = 40
const OPTIONS = { path: '/store', segmentBytes: 65_536, cacheBytes: 0, reserveBytes: 4_096 }

/** What may fail; reading is another matter, because nothing is promised of what cannot be read. */
const FAILING = new Set(['write', 'sync', 'truncate', 'rename', 'remove', 'syncNames'])

describe('LogStore on a disk that fails now and then', () => {
  it(`has done what it answered and nothing that it refused (${SEEDS} seeds)`, { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      await assertKeepsWord(seed).catch(error => {
        throw new Error(`with seed ${seed}: ${error instanceof Error ? error.stack : error}`)
      })
    }
  })
})

async function assertKeepsWord(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const disk = new SimulatedDisk()
  const model = new StoreModel()
  const store = new LogStore({ ...OPTIONS, fileSystem: disk })
  await store.start()
  const rate = random() * 0.15
  const fail = (operation: string): void => {
    if (FAILING.has(operation) && random() < rate) throw systemError(random() < 0.5 ? 'EIO' : 'ENOSPC')
  }
  for (let burst = 0; burst < BURSTS; burst++) {
    disk.faults.before = fail
    const changes = Array.from({ length: Math.ceil(random() * 8) }, () => randomChange(random, model))
    const outcomes = await Promise.allSettled(changes.map(change => store.write(change)))
    delete disk.faults.before
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') model.apply(changes[index]!)
      else
        assert.ok(
          EdgewrightError.is(outcome.reason, 'STORE_FAILED') || EdgewrightError.is(outcome.reason, 'STORE_FULL'),
        )
    }
    await model.assertHolds(store)
    if (random() < 0.2) {
      await takeBack(store)
      await assertSurvivesKill(disk, model)
    }
  }
  await takeBack(store)
  await store.stop()
  await assertSurvivesKill(disk, model)
}

/** What was refused is taken back at once, or, when the disk fails at that too, with the next change that it takes. */
async function takeBack(store: Store): Promise<void> {
  await store.write({ put: [{ table: 'taken back', key: 'k', value: Buffer.from('v') }] })
}

async function assertSurvivesKill(disk: SimulatedDisk, model: StoreModel): Promise<void> {
  const store = new LogStore({ ...OPTIONS, fileSystem: disk.afterKill() })
  await store.start()
  await model.assertHolds(store)
  await store.stop()
}
