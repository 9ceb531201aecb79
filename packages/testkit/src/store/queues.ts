import assert from 'node:assert/strict'
import { append, appends, drain, numbered, texts, withStore } from './fixture.js'
import type { StoreTests } from './subject.js'

/** Appending, reading and the state of queues. */
export const queueTests: StoreTests = ({ describe, it }, make) => {
  describe('queues', () => {
    it(
      'gives entries in the order in which they were appended',
      withStore(make, async store => {
        await store.write({ append: appends(['a', 'b'], 'q') })
        await Promise.all(['c', 'd', 'e'].map(text => store.write({ append: [append(text, 'q')] })))
        assert.deepEqual(texts(await store.read('q')), ['a', 'b', 'c', 'd', 'e'])
        assert.deepEqual(
          (await store.read('q')).map(entry => entry.position),
          [0, 1, 2, 3, 4],
        )
      }),
    )

    it(
      'keeps queues apart, whatever they are called',
      withStore(make, async store => {
        const names = ['q', 'q/', 'q/1', 'Q', ' ', '\u0000', 'q\u0000', 'ä', '\u{1f600}', '__proto__', 'x'.repeat(1024)]
        await store.write({ append: names.map(name => append(name, name)) })
        for (const name of names) assert.deepEqual(texts(await store.read(name)), [name])
        const states = store.queues()
        assert.deepEqual(states.map(state => state.queue).sort(), [...names].sort())
      }),
    )

    it(
      'tells how a queue stands',
      withStore(make, async store => {
        assert.deepEqual(store.queue('q'), { queue: 'q', length: 0, bytes: 0, head: 0, next: 0 })
        await store.write({ append: appends(['one', 'three', 'five!'], 'q') })
        assert.deepEqual(store.queue('q'), { queue: 'q', length: 3, bytes: 13, head: 0, next: 3 })
        await store.write({ remove: [{ queue: 'q', through: 0 }] })
        assert.deepEqual(store.queue('q'), { queue: 'q', length: 2, bytes: 10, head: 1, next: 3 })
        await store.write({ remove: [{ queue: 'q', through: 2 }] })
        assert.deepEqual(store.queue('q'), { queue: 'q', length: 0, bytes: 0, head: 3, next: 3 })
      }),
    )

    it(
      'lists queues that hold something, by prefix',
      withStore(make, async store => {
        await store.write({ append: [append('x', 'a/1', 'a/2', 'b/1')] })
        const names = (prefix?: string) =>
          store
            .queues(prefix)
            .map(state => state.queue)
            .sort()
        assert.deepEqual(names(), ['a/1', 'a/2', 'b/1'])
        assert.deepEqual(names('a/'), ['a/1', 'a/2'])
        assert.deepEqual(names('c'), [])
        await store.write({ remove: [{ queue: 'a/1', through: 0 }] })
        assert.deepEqual(names('a/'), ['a/2'])
      }),
    )

    it(
      'reads an unknown queue as empty',
      withStore(make, async store => {
        assert.deepEqual(await store.read('nobody'), [])
      }),
    )

    it(
      'reads from a position, within limits of count and bytes',
      withStore(make, async store => {
        await store.write({ append: appends(numbered(10), 'q') })
        const read = async (range: Parameters<typeof store.read>[1]) => texts(await store.read('q', range))
        assert.deepEqual(await read({ limit: 2 }), ['m0', 'm1'])
        assert.deepEqual(await read({ from: 8 }), ['m8', 'm9'])
        assert.deepEqual(await read({ from: 10 }), [])
        assert.deepEqual(await read({ from: 1_000_000 }), [])
        assert.deepEqual(await read({ from: 3, limit: 3, maxBytes: 4 }), ['m3', 'm4'])
        assert.deepEqual(await read({ maxBytes: 5 }), ['m0', 'm1'])
        assert.deepEqual(await read({ maxBytes: 1 }), ['m0'])
      }),
    )

    it(
      'reads 256 entries or 1 MiB at a time unless told otherwise',
      withStore(make, async store => {
        await store.write({ append: appends(numbered(300), 'many') })
        assert.equal((await store.read('many')).length, 256)
        const payload = Buffer.alloc(300_000)
        await store.write({ append: Array.from({ length: 5 }, () => ({ payload, queues: [{ queue: 'big' }] })) })
        assert.equal((await store.read('big')).length, 3)
      }),
    )

    it(
      'walks a long queue by cursor without gap or repetition',
      withStore(make, async store => {
        const expected = numbered(5_000)
        for (let i = 0; i < expected.length; i += 500) {
          await store.write({ append: appends(expected.slice(i, i + 500), 'q') })
        }
        const all = await drain(store, 'q', 77)
        assert.deepEqual(texts(all), expected)
      }),
    )

    it(
      'gives back payloads and expiry exactly, also the empty and the large',
      withStore(make, async store => {
        const large = Buffer.alloc(3_000_000, 'large')
        const times = [1, 1_700_000_000_123, 8_640_000_000_000_000]
        await store.write({
          append: [
            append('', 'q'),
            { payload: large, queues: [{ queue: 'q', expiresAt: times[0] }] },
            append('x', { queue: 'q', expiresAt: times[1] }, { queue: 'q', expiresAt: times[2] }),
          ],
        })
        const entries = await store.read('q', { maxBytes: 10_000_000 })
        assert.deepEqual(
          entries.map(entry => entry.expiresAt),
          [undefined, ...times],
        )
        assert.equal(entries[0]!.payload.byteLength, 0)
        assert.equal(Buffer.compare(entries[1]!.payload, large), 0)
        assert.equal(store.queue('q').bytes, large.byteLength + 2)
      }),
    )

    it(
      'gives payloads that stay as they are while the store goes on',
      withStore(make, async store => {
        await store.write({ append: appends(numbered(200), 'q') })
        const entries = await store.read('q')
        for (let round = 0; round < 20; round++) {
          await store.write({ append: appends(numbered(200, `other${round}-`), 'other') })
          await store.read('other', { from: round * 200 })
        }
        await store.write({ remove: [{ queue: 'q', through: Infinity }] })
        assert.deepEqual(texts(entries), numbered(200))
      }),
    )

    it(
      'lets one payload go to many queues, also twice to the same',
      withStore(make, async store => {
        await store.write({ append: [append('x', 'a', 'b', 'a'), append('nobody')] })
        assert.deepEqual(texts(await store.read('a')), ['x', 'x'])
        await store.write({ remove: [{ queue: 'a', through: 1 }] })
        assert.deepEqual(texts(await store.read('b')), ['x'])
        assert.equal(store.queue('b').bytes, 1)
      }),
    )
  })
}
