import assert from 'node:assert/strict'
import { MAX_NAME_BYTES, MAX_PAYLOAD_BYTES, type StoreChange } from '@edgewright/core'
import { append, rejectsWith, rows, texts, withStore } from './fixture.js'
import type { StoreTests } from './subject.js'

/** What is too long is refused whole; what is just short enough is kept. */
export const limitTests: StoreTests = ({ describe, it }, make) => {
  describe('limits', () => {
    it(
      'refuses names and payloads past the limits, and takes nothing of the change',
      withStore(make, async store => {
        const long = 'n'.repeat(MAX_NAME_BYTES + 1)
        const payload = new Uint8Array(MAX_PAYLOAD_BYTES + 1)
        const refused: StoreChange[] = [
          { append: [{ payload, queues: [{ queue: 'q' }] }] },
          { append: [append('x', 'q', long)] },
          { append: [append('x', 'q', '')] },
          { append: [append('x', 'q', '\ud800')] },
          { append: [append('x', 'q')], remove: [{ queue: long, through: 0 }] },
          { append: [append('x', 'q')], put: [{ table: long, key: 'k', value: payload.subarray(0, 1) }] },
          { append: [append('x', 'q')], put: [{ table: 't', key: '', value: payload.subarray(0, 1) }] },
          { append: [append('x', 'q')], put: [{ table: 't', key: 'k', value: payload }] },
        ]
        for (const change of refused) await rejectsWith('STORE_LIMIT', store.write(change))
        assert.equal(store.queue('q').next, 0)
        assert.deepEqual(await rows(store, 't'), [])
        await store.write({ append: [append('fine', 'q')] })
        assert.deepEqual(texts(await store.read('q')), ['fine'])
      }),
    )

    it(
      'takes the longest payload and the longest names',
      withStore(make, async store => {
        const name = 'é'.repeat(MAX_NAME_BYTES / 2)
        const payload = Buffer.alloc(MAX_PAYLOAD_BYTES, 'payload')
        await store.write({
          append: [{ payload, queues: [{ queue: name }] }],
          put: [{ table: name, key: name, value: payload }],
        })
        const [entry] = await store.read(name)
        assert.equal(Buffer.compare(entry!.payload, payload), 0)
        assert.equal(Buffer.compare((await store.get(name, name))!, payload), 0)
      }),
    )

    it(
      'takes a change larger than any payload',
      withStore(make, async store => {
        const payloads = Array.from({ length: 24 }, (_, i) => Buffer.alloc(1_048_576, i))
        await store.write({ append: payloads.map(payload => ({ payload, queues: [{ queue: 'q' }] })) })
        const entries = await store.read('q', { maxBytes: 1e9 })
        assert.deepEqual(
          entries.map(entry => [entry.payload.byteLength, entry.payload[9]]),
          payloads.map((_, i) => [1_048_576, i]),
        )
      }),
    )
  })
}
