import assert from 'node:assert/strict'
import { append, appends, drain, numbered, texts, withStore } from './fixture.js'
import type { StoreTests } from './subject.js'

/** Removing by prefix, out of the middle, and by time. */
export const removalTests: StoreTests = ({ describe, it }, make) => {
  describe('removal', () => {
    it(
      'removes the head of a queue',
      withStore(make, async store => {
        await store.write({ append: appends(numbered(10), 'q') })
        await store.write({ remove: [{ queue: 'q', through: 3 }] })
        assert.deepEqual(texts(await store.read('q')), numbered(10).slice(4))
        assert.deepEqual(texts(await store.read('q', { from: 2, limit: 1 })), ['m4'])
      }),
    )

    it(
      'removes out of the middle and leaves the positions of the rest',
      withStore(make, async store => {
        await store.write({ append: appends(numbered(6), 'q') })
        await store.write({
          remove: [
            { queue: 'q', from: 1, through: 1 },
            { queue: 'q', from: 3, through: 4 },
          ],
        })
        assert.deepEqual(
          (await store.read('q')).map(entry => entry.position),
          [0, 2, 5],
        )
        assert.deepEqual(store.queue('q'), { queue: 'q', length: 3, bytes: 6, head: 0, next: 6 })
        await store.write({ remove: [{ queue: 'q', through: 0 }] })
        assert.equal(store.queue('q').head, 2)
        await store.write({ append: [append('new', 'q')] })
        assert.deepEqual(texts(await store.read('q', { from: 3 })), ['m5', 'new'])
      }),
    )

    it(
      'takes removals of what is not there for done',
      withStore(make, async store => {
        await store.write({ append: appends(numbered(4), 'q') })
        await store.write({
          remove: [
            { queue: 'nobody', through: 5 },
            { queue: 'q', from: 2, through: 1 },
          ],
        })
        await store.write({
          remove: [
            { queue: 'q', through: 1 },
            { queue: 'q', through: 1 },
          ],
        })
        await store.write({
          remove: [
            { queue: 'q', from: 0, through: 0 },
            { queue: 'q', from: 9, through: 12 },
          ],
        })
        assert.deepEqual(texts(await store.read('q')), ['m2', 'm3'])
      }),
    )

    it(
      'touches nothing that comes with it or after it',
      withStore(make, async store => {
        await store.write({ append: appends(['a', 'b'], 'q') })
        const first = store.write({ remove: [{ queue: 'q', through: Infinity }], append: [append('c', 'q')] })
        const second = store.write({ append: [append('d', 'q')] })
        await Promise.all([first, second])
        assert.deepEqual(texts(await store.read('q')), ['c', 'd'])
        await store.write({ remove: [{ queue: 'q', through: 1_000 }] })
        await store.write({ append: [append('e', 'q')] })
        assert.deepEqual(texts(await store.read('q')), ['e'])
      }),
    )

    it(
      'never gives a position twice',
      withStore(make, async store => {
        for (let round = 0; round < 3; round++) {
          await store.write({ append: appends(numbered(3), 'q') })
          assert.equal(store.queue('q').head, round * 3)
          await store.write({ remove: [{ queue: 'q', through: Infinity }] })
        }
        assert.deepEqual(store.queue('q'), { queue: 'q', length: 0, bytes: 0, head: 9, next: 9 })
      }),
    )

    it(
      'takes a long queue apart piece by piece',
      withStore(make, async store => {
        await store.write({ append: appends(numbered(3_000), 'q') })
        await Promise.all(
          Array.from({ length: 1_000 }, (_, i) =>
            store.write({ remove: [{ queue: 'q', from: 3 * i, through: 3 * i }] }),
          ),
        )
        assert.deepEqual(
          texts(await drain(store, 'q')),
          numbered(3_000).filter((_, i) => i % 3 !== 0),
        )
        await store.write({ remove: [{ queue: 'q', from: 500, through: 2_500 }] })
        assert.equal(store.queue('q').length, 2_000 - 1_334)
      }),
    )
  })

  describe('expiry', () => {
    it(
      'gives expired entries until they are removed, and counts what went',
      withStore(make, async store => {
        const at = (queue: string, expiresAt: number) => append(`${queue}${expiresAt}`, { queue, expiresAt })
        await store.write({
          append: [at('a', 10), at('a', 30), at('a', 20), append('keep', 'a'), at('b', 20), at('c', 31)],
        })
        assert.equal((await store.read('a')).length, 4)
        assert.deepEqual(await store.removeExpired(9), [])
        const gone = [...(await store.removeExpired(20))].sort((a, b) => (a.queue < b.queue ? -1 : 1))
        assert.deepEqual(gone, [
          { queue: 'a', count: 2 },
          { queue: 'b', count: 1 },
        ])
        assert.deepEqual(texts(await store.read('a')), ['a30', 'keep'])
        assert.deepEqual(store.queue('a'), { queue: 'a', length: 2, bytes: 7, head: 1, next: 4 })
        assert.equal(store.queue('b').length, 0)
        assert.deepEqual(await store.removeExpired(20), [])
      }),
    )

    it(
      'finds the few expired among many',
      withStore(make, async store => {
        const all = Array.from({ length: 4_000 }, (_, i) =>
          append(`${i}`, { queue: 'q', expiresAt: i % 400 === 7 ? 5 : 50 }),
        )
        await store.write({ append: all })
        assert.deepEqual(await store.removeExpired(5), [{ queue: 'q', count: 10 }])
        assert.equal(store.queue('q').length, 3_990)
        assert.deepEqual(await store.removeExpired(50), [{ queue: 'q', count: 3_990 }])
      }),
    )
  })
}
