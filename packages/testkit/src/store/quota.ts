import assert from 'node:assert/strict'
import { EdgewrightError, type Store } from '@edgewright/core'
import { append, rejectsWith, rows, texts, withStore } from './fixture.js'
import type { StoreTests } from './subject.js'

const QUOTA = 4 * 1_048_576
const BODY = 64 * 1_024

/** Appends until the store is full; the number of entries that went in. */
async function fillUp(store: Store, queue = 'q'): Promise<number> {
  for (let count = 0; count < (2 * QUOTA) / BODY; count++) {
    try {
      await store.write({ append: [{ payload: Buffer.alloc(BODY, count), queues: [{ queue }] }] })
    } catch (error) {
      assert.ok(EdgewrightError.is(error, 'STORE_FULL'), String(error))
      return count
    }
  }
  throw new Error('the store never said that it is full')
}

/** A store that is full refuses appends, and nothing else, until there is room again. */
export const quotaTests: StoreTests = ({ describe, it }, make) => {
  const settings = { quota: QUOTA }
  describe('quota', () => {
    it(
      'refuses an append that would go past it, and takes nothing of it',
      withStore(
        make,
        async store => {
          const count = await fillUp(store)
          assert.ok(count * BODY > QUOTA * 0.6, `full after ${count} × ${BODY} bytes`)
          assert.ok(store.usage().bytes <= QUOTA)
          assert.equal(store.usage().quota, QUOTA)
          const before = [store.queue('q'), store.usage()]
          const put = [{ table: 't', key: 'k', value: Buffer.from('v') }]
          await rejectsWith('STORE_FULL', store.write({ append: [append('x'.repeat(BODY), 'a', 'q')], put }))
          assert.deepEqual([store.queue('q'), store.usage()], before)
          assert.equal(store.queue('a').length, 0)
          assert.deepEqual(await rows(store, 't'), [])
        },
        settings,
      ),
    )

    it(
      'goes on removing, putting and moving when it is reached',
      withStore(
        make,
        async store => {
          const count = await fillUp(store)
          await store.write({ put: [{ table: 't', key: 'k', value: Buffer.alloc(BODY) }] })
          assert.equal((await store.get('t', 'k'))!.byteLength, BODY)
          const [first] = await store.read('q', { limit: 1 })
          await store.write({
            remove: [{ queue: 'q', through: first!.position }],
            append: [{ payload: first!.payload, queues: [{ queue: 'dead' }] }],
          })
          assert.deepEqual([store.queue('q').length, store.queue('dead').length], [count - 1, 1])
        },
        settings,
      ),
    )

    it(
      'takes appends again as soon as something was removed',
      withStore(
        make,
        async store => {
          for (let round = 0; round < 3; round++) {
            const count = await fillUp(store)
            assert.ok(count > 8, `round ${round}: full after ${count}`)
            const { head } = store.queue('q')
            await store.write({ remove: [{ queue: 'q', through: head + 3 }] })
            await store.write({ append: [append('room', 'after')] })
            await store.write({ remove: [{ queue: 'q', through: Infinity }] })
          }
          assert.deepEqual(texts(await store.read('after')), ['room', 'room', 'room'])
          assert.ok(store.usage().bytes < QUOTA / 4, `still ${store.usage().bytes} bytes`)
        },
        settings,
      ),
    )

    it(
      'counts a payload once, however many queues have it',
      withStore(
        make,
        async store => {
          const queues = Array.from({ length: 8 }, (_, i) => ({ queue: `q${i}` }))
          for (let i = 0; i < 32; i++) await store.write({ append: [{ payload: Buffer.alloc(BODY, i), queues }] })
          const full = store.usage().bytes
          assert.ok(full < QUOTA * 0.75)
          await store.write({ remove: queues.slice(1).map(({ queue }) => ({ queue, through: Infinity })) })
          assert.ok(store.usage().bytes > full * 0.75, 'what one queue still wants is still there')
          await store.write({ remove: [{ queue: 'q0', through: Infinity }] })
          assert.ok(store.usage().bytes < full * 0.25)
        },
        settings,
      ),
    )

    it(
      'says nothing of a quota when there is none',
      withStore(make, async store => {
        assert.equal(store.usage().quota, undefined)
      }),
    )
  })
}
