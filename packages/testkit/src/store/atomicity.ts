import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { append, appends, drain, numbered, rows, texts, withStore } from './fixture.js'
import type { StoreTests } from './subject.js'

const CHANGES = 400

/** Changes that touch many things: whole, in order, also when thousands are on their way. */
export const atomicityTests: StoreTests = ({ describe, it }, make) => {
  describe('changes', () => {
    it(
      'does everything that one change asks for',
      withStore(make, async store => {
        await store.write({ append: [append('a', 'in'), append('b', 'in')] })
        await store.write({
          remove: [{ queue: 'in', through: 0 }],
          append: [append('a', 'dead')],
          put: [{ table: 't', key: 'k', value: Buffer.from('v') }],
        })
        assert.deepEqual(texts(await store.read('in')), ['b'])
        assert.deepEqual(texts(await store.read('dead')), ['a'])
        assert.deepEqual(await rows(store, 't'), [['k', 'v']])
      }),
    )

    it(
      'answers an empty change when all before it are done',
      withStore(make, async store => {
        const answered: string[] = []
        const before = store.write({ append: [append('x', 'q')] }).then(() => answered.push('before'))
        await store.write({}).then(() => answered.push('empty'))
        await before
        assert.deepEqual(answered, ['before', 'empty'])
        await store.write({ append: [], remove: [], put: [] })
      }),
    )

    it(
      'takes effect, and answers, in the order of the calls',
      withStore(make, async store => {
        const answers: number[] = []
        const writes = numbered(CHANGES).map((text, i) =>
          store
            .write({ append: [append(text, 'q')], put: [{ table: 't', key: 'last', value: Buffer.from(text) }] })
            .then(() => answers.push(i)),
        )
        await Promise.all(writes)
        assert.deepEqual(texts(await drain(store, 'q')), numbered(CHANGES))
        assert.deepEqual(await rows(store, 't'), [['last', `m${CHANGES - 1}`]])
        assert.deepEqual(
          answers,
          Array.from({ length: CHANGES }, (_, i) => i),
        )
      }),
    )

    it(
      'keeps many writers, one remover and readers apart',
      withStore(make, async store => {
        const writer = async (name: string) => {
          for (const text of numbered(100, name)) await store.write({ append: [append(text, 'q', `of/${name}`)] })
        }
        const taken: string[] = []
        const remover = async () => {
          while (taken.length < 1_000) {
            const batch = await store.read('q', { limit: 50 })
            taken.push(...texts(batch))
            await store.write(batch.length === 0 ? {} : { remove: [{ queue: 'q', through: batch.at(-1)!.position }] })
          }
        }
        const names = numbered(10, 'w').map(name => `${name}-`)
        await Promise.all([...names.map(writer), remover()])
        assert.equal(store.queue('q').length, 0)
        for (const name of names) {
          assert.deepEqual(
            taken.filter(text => text.startsWith(name)),
            numbered(100, name),
          )
          assert.deepEqual(texts(await drain(store, `of/${name}`)), numbered(100, name))
        }
      }),
    )

    it(
      'shows a reader a change whole or not at all',
      withStore(make, async store => {
        const writes = numbered(200).map(text => store.write({ append: appends(['begin', text, 'end'], 'q') }))
        let settled = false
        const all = Promise.all(writes).then(() => {
          settled = true
        })
        while (!settled) {
          assert.equal(store.queue('q').length % 3, 0)
          assert.equal((await store.read('q', { limit: 1_000 })).length % 3, 0)
          await setImmediate()
        }
        await all
        assert.equal(store.queue('q').length, 600)
      }),
    )
  })
}
