import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { StoreChange } from '@edgewright/core'
import { randomChange, seededRandom, StoreModel } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { type Finding, LogStore } from '../src/index.js'
import { SimulatedDisk } from './simulated-disk.js'

/** More, and others, by hand: `POWER_CUTS=5000 POWER_CUT_SEED=3 npx vitest run --project store-log test/power-cut`. */
const CUTS = Number(process.env.POWER_CUTS ?? 200)
const SEED = Number(process.env.POWER_CUT_SEED ?? 7)
const CHANGES = 900
const OPTIONS = { path: '/store', segmentBytes: 65_536, cacheBytes: 0, reserveBytes: 4_096 }

/** A disk that was written to, with how far it was when each change was given and answered. */
interface History {
  readonly disk: SimulatedDisk
  readonly changes: readonly StoreChange[]
  /** Operations done when the change of the same index was given. */
  readonly given: readonly number[]
  /** Operations done when it was answered. */
  readonly answered: readonly number[]
  /** The model after all of them. */
  readonly everything: StoreModel
}

describe('LogStore when the power is cut', () => {
  it(`keeps what was answered, and of the rest what was given first (${CUTS} cuts)`, { timeout: 600_000 }, async () => {
    const history = await writeHistory(SEED)
    const random = seededRandom(SEED + 1)
    for (let round = 0; round < CUTS; round++) {
      const cut = Math.floor(random() * (history.disk.operations.length + 1))
      await assertSurvives(history, cut, random)
    }
  })

  it('has moved and deleted segments in that time', async () => {
    const { disk } = await writeHistory(SEED)
    const created = disk.operations.filter(operation => operation.kind === 'create')
    const removed = disk.operations.filter(({ kind }) => kind === 'remove')
    assert.ok(created.length > 20, `${created.length} files`)
    assert.ok(removed.length > 10, `${removed.length} deleted`)
  })
})

/** Writes in bursts, never waiting for one change before giving the next of the same burst. */
async function writeHistory(seed: number): Promise<History> {
  const disk = new SimulatedDisk()
  const random = seededRandom(seed)
  const model = new StoreModel()
  const history = {
    disk,
    changes: [] as StoreChange[],
    given: [] as number[],
    answered: [] as number[],
    everything: model,
  }
  const store = new LogStore({ ...OPTIONS, fileSystem: disk })
  await store.start()
  while (history.changes.length < CHANGES) {
    const burst = Array.from({ length: Math.ceil(random() * 12) }, async () => {
      const change = randomChange(random, model)
      model.apply(change)
      const index = history.changes.push(change) - 1
      history.given[index] = disk.operations.length
      await store.write(change)
      history.answered[index] = disk.operations.length
    })
    await (random() < 0.5 ? Promise.all(burst) : burst[0])
  }
  await store.write({})
  await model.assertHolds(store)
  return history
}

/** Opens what a cut leaves, and looks for the moment that it shows. */
async function assertSurvives(history: History, cut: number, random: () => number): Promise<void> {
  const disk = history.disk.afterPowerCut(cut, random)
  const store = new LogStore({ ...OPTIONS, fileSystem: disk })
  const findings: Finding[] = []
  store.on('findings', found => findings.push(...found))
  await store.start()
  const model = await matchingModel(history, cut, store)
  assert.deepEqual(
    findings.filter(({ kind }) => kind === 'lost'),
    [],
  )
  for (let more = 0; more < 5; more++) {
    const change = randomChange(random, model)
    model.apply(change)
    await store.write(change)
  }
  await store.stop()
  await store.start()
  await model.assertHolds(store)
  await store.stop()
}

/** The model after so many changes as the store shows: at least those answered, at most those given. */
async function matchingModel(history: History, cut: number, store: LogStore): Promise<StoreModel> {
  const { changes, given, answered, everything } = history
  const shown = await everything.read(store)
  const model = new StoreModel()
  let next = 0
  while (next < changes.length && answered[next]! <= cut) model.apply(changes[next++]!)
  const least = next
  for (;;) {
    if (isDeepStrictEqual(shown, model.contents())) return model
    if (next === changes.length || given[next]! > cut) break
    model.apply(changes[next++]!)
  }
  assert.fail(`after operation ${cut} the store shows none of the moments from change ${least} to ${next}`)
}
