import assert from 'node:assert/strict'
import { EdgewrightError, type Store } from '@edgewright/core'
import { append, drain, rows, running, seededRandom, text } from './fixture.js'
import type { StoreFactory, StoreTests, StoreUnderTest } from './subject.js'

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1)
const ENTRIES = 300

/** Damaged data: never delivered, never in the way of the rest. */
export const damageTests: StoreTests = ({ describe, it }, make) => {
  describe('damage', () => {
    it('never comes out as data, and never keeps the store from starting', async () => {
      for (const seed of SEEDS) await assertHarmless(make, seed)
    })
  })
}

async function assertHarmless(make: StoreFactory, seed: number): Promise<void> {
  const subject = await make()
  try {
    if (subject.damage === undefined) return
    const random = seededRandom(seed)
    await running(subject.open(), store => fill(store, random))
    await subject.damage(random)
    await running(await started(subject), async store => {
      await assertGenuine(store)
      await store.write({
        append: [append(entryText('q', 'new'), 'q')],
        put: [{ table: 't', key: 'new', value: row('new') }],
      })
    })
    await running(subject.open(), async store => {
      await assertGenuine(store)
      const last = (await drain(store, 'q')).at(-1)!
      assert.equal(text(last.payload), entryText('q', 'new'))
      assert.equal(text((await store.get('t', 'new'))!), text(row('new')))
    })
  } catch (error) {
    throw new Error(`with seed ${seed}: ${error instanceof Error ? error.stack : error}`)
  } finally {
    await subject.dispose()
  }
}

async function fill(store: Store, random: () => number): Promise<void> {
  for (let i = 0; i < ENTRIES; i += 10) {
    const numbers = Array.from({ length: 10 }, (_, index) => i + index)
    await store.write({
      append: numbers.flatMap(number => [append(entryText('q', number), 'q'), append(entryText('r', number), 'r')]),
      put: [{ table: 't', key: `${i}`, value: row(i) }],
    })
    if (random() < 0.2) await store.write({ remove: [{ queue: 'q', through: Math.floor(random() * i) }] })
  }
}

/** A store that runs; one that says it is damaged is mended as its remedy says. */
async function started(subject: StoreUnderTest): Promise<Store> {
  const store = subject.open()
  try {
    await store.start()
    return store
  } catch (error) {
    assert.ok(EdgewrightError.is(error, 'STORE_DAMAGED') && error.remedy, String(error))
    await subject.repair?.()
    return subject.open()
  }
}

/** Whatever is there is what was once written, in its place and in order. */
async function assertGenuine(store: Store): Promise<void> {
  for (const queue of ['q', 'r']) {
    let last = -1
    for (const { position, payload } of await drain(store, queue)) {
      assert.ok(position > last, `position ${position} comes after ${last}`)
      last = position
      const content = text(payload)
      assert.ok(
        content === entryText(queue, position) || content === entryText(queue, 'new'),
        `${position}: ${content}`,
      )
    }
  }
  for (const [key, value] of await rows(store, 't')) assert.equal(value, text(row(key)))
}

function entryText(queue: string, number: number | 'new'): string {
  return `${queue} ${number} `.repeat(20)
}

function row(key: number | string): Buffer {
  return Buffer.from(`row ${key} `.repeat(30))
}
