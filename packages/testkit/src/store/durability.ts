import assert from 'node:assert/strict'
import type { Store } from '@edgewright/core'
import { append, appends, drain, numbered, rejectsWith, rows, running, texts } from './fixture.js'
import type { StoreFactory, StoreTests, StoreUnderTest } from './subject.js'

/** Fills a store with one of everything; {@link assertFilled} looks whether it is all there. */
async function fill(store: Store): Promise<void> {
  await store.write({ append: appends(numbered(300), 'q', { queue: 'copy', expiresAt: 77 }) })
  await store.write({ append: [append('gone', 'emptied')] })
  await store.write({
    remove: [
      { queue: 'q', through: 99 },
      { queue: 'q', from: 150, through: 199 },
      { queue: 'emptied', through: 0 },
    ],
  })
  await store.write({ put: numbered(20).map(key => ({ table: 't', key, value: Buffer.from(key) })) })
  await store.write({ put: [{ table: 't', key: 'm7' }] })
}

async function assertFilled(store: Store): Promise<void> {
  const left = numbered(300).filter((_, i) => (i >= 100 && i < 150) || i >= 200)
  const entries = await drain(store, 'q')
  assert.deepEqual(texts(entries), left)
  assert.deepEqual(
    entries.map(entry => `m${entry.position}`),
    left,
  )
  const copies = await drain(store, 'copy')
  assert.deepEqual(texts(copies), numbered(300))
  assert.ok(copies.every(entry => entry.expiresAt === 77))
  assert.deepEqual(store.queue('q'), { queue: 'q', length: 150, bytes: 600, head: 100, next: 300 })
  assert.deepEqual(store.queue('emptied'), { queue: 'emptied', length: 0, bytes: 0, head: 1, next: 1 })
  assert.deepEqual(
    (await rows(store, 't')).map(([key]) => key),
    numbered(20)
      .filter(key => key !== 'm7')
      .sort(),
  )
}

/** What outlives a stop, and what a stop does with writes on their way. */
export const reopeningTests: StoreTests = ({ describe, it }, make) => {
  describe('reopening', () => {
    it(
      'finds everything again, in a new store and in the old one',
      keeping(make, async subject => {
        const first = subject.open()
        await running(first, fill)
        await running(subject.open(), assertFilled)
        await running(first, assertFilled)
      }),
    )

    it(
      'goes on counting positions where it was',
      keeping(make, async subject => {
        for (let round = 0; round < 6; round++) {
          await running(subject.open(), async store => {
            assert.equal(store.queue('q').next, round * 2)
            await store.write({ append: appends(['a', 'b'], 'q') })
            await store.write({ remove: [{ queue: 'q', through: Infinity }] })
          })
        }
      }),
    )

    it(
      'lets what was given before stop become durable',
      keeping(make, async subject => {
        const store = subject.open()
        await store.start()
        const answered: string[] = []
        const writes = numbered(500).map(text =>
          store.write({ append: [append(text, 'q')] }).then(() => answered.push(text)),
        )
        const stopped = store.stop().then(() => answered.push('stopped'))
        await Promise.all([...writes, stopped])
        assert.deepEqual(answered, [...numbered(500), 'stopped'])
        await running(subject.open(), async again => assert.deepEqual(texts(await drain(again, 'q')), numbered(500)))
      }),
    )

    it(
      'lets reads that were given before stop end',
      keeping(make, async subject => {
        const store = subject.open()
        await store.start()
        await store.write({ append: appends(numbered(100), 'q') })
        const reading = store.read('q')
        await store.stop()
        assert.deepEqual(texts(await reading), numbered(100))
      }),
    )

    it(
      'refuses a second store on the same data',
      keeping(make, async subject => {
        if (!subject.isExclusive) return
        await running(subject.open(), async store => {
          await rejectsWith('STORE_IN_USE', subject.open().start())
          await fill(store)
        })
        await running(subject.open(), assertFilled)
      }),
    )
  })
}

/** What outlives the end of the process. */
export const crashTests: StoreTests = ({ describe, it }, make) => {
  describe('crash', () => {
    it(
      'keeps everything that was answered',
      keeping(make, async subject => {
        if (subject.crash === undefined) return
        const store = subject.open()
        await store.start()
        await fill(store)
        const after = await subject.crash()
        await store.stop()
        try {
          await running(after.open(), async survivor => {
            await assertFilled(survivor)
            await survivor.write({ append: [append('next', 'emptied')] })
            assert.equal(survivor.queue('emptied').head, 1)
          })
          await running(after.open(), async store => assert.equal(store.queue('emptied').next, 2))
        } finally {
          await after.dispose()
        }
      }),
    )

    it(
      'keeps everything over many crashes in a row',
      keeping(make, async subject => {
        let now = subject
        try {
          for (let round = 0; round < 8 && now.crash !== undefined; round++) {
            const store = now.open()
            await store.start()
            assert.deepEqual(texts(await drain(store, 'q')), round === 0 ? [] : numbered(10, `${round - 1}-`))
            await store.write({
              append: appends(numbered(10, `${round}-`), 'q'),
              remove: [{ queue: 'q', through: Infinity }],
            })
            assert.equal(store.queue('q').next, (round + 1) * 10)
            const next: StoreUnderTest = await now.crash()
            await store.stop()
            if (now !== subject) await now.dispose()
            now = next
          }
        } finally {
          if (now !== subject) await now.dispose()
        }
      }),
    )
  })
}

function keeping(make: StoreFactory, test: (subject: StoreUnderTest) => Promise<void>): () => Promise<void> {
  return async () => {
    const subject = await make()
    try {
      if (subject.keepsData) await test(subject)
    } finally {
      await subject.dispose()
    }
  }
}
