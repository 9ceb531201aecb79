import assert from 'node:assert/strict'
import { numbered, rows, text, withStore } from './fixture.js'
import type { StoreTests } from './subject.js'

const put = (table: string, key: string, value?: string) => ({
  table,
  key,
  value: value === undefined ? undefined : Buffer.from(value),
})

/** Tables: rows written, read, listed and deleted. */
export const tableTests: StoreTests = ({ describe, it }, make) => {
  describe('tables', () => {
    it(
      'keeps the last value of a row',
      withStore(make, async store => {
        await store.write({ put: [put('t', 'k', 'old')] })
        await store.write({ put: [put('t', 'k', 'newer'), put('t', 'k', 'newest'), put('t', 'empty', '')] })
        assert.equal(text((await store.get('t', 'k'))!), 'newest')
        assert.equal((await store.get('t', 'empty'))!.byteLength, 0)
        assert.equal(await store.get('t', 'other'), undefined)
        assert.equal(await store.get('other', 'k'), undefined)
      }),
    )

    it(
      'deletes rows, also those that are not there',
      withStore(make, async store => {
        await store.write({ put: [put('t', 'a', '1'), put('t', 'b', '2')] })
        await store.write({ put: [put('t', 'a'), put('t', 'nobody'), put('nobody', 'a')] })
        assert.deepEqual(await rows(store, 't'), [['b', '2']])
        await store.write({ put: [put('t', 'b'), put('t', 'b', 'again')] })
        assert.deepEqual(await rows(store, 't'), [['b', 'again']])
      }),
    )

    it(
      'lists rows in order of key, by prefix, each table for itself',
      withStore(make, async store => {
        const keys = [
          'b',
          'a',
          'ab',
          'a\u0000',
          '\u0000',
          '\uffff',
          '\u{10000}',
          '\u{1f600}',
          'é',
          'B',
          '__proto__',
          'z'.repeat(1_024),
        ]
        await store.write({ put: keys.flatMap(key => [put('t', key, key), put('u', key, 'other')]) })
        const inOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        assert.deepEqual(
          (await rows(store, 't')).map(([key]) => key),
          inOrder,
        )
        assert.deepEqual(await rows(store, 't', 'a'), [
          ['a', 'a'],
          ['a\u0000', 'a\u0000'],
          ['ab', 'ab'],
        ])
        assert.deepEqual(await rows(store, 't', 'nobody'), [])
        assert.deepEqual(await rows(store, 'nobody'), [])
      }),
    )

    it(
      'walks a table while it changes, giving no row twice',
      withStore(make, async store => {
        const keys = numbered(500, 'k').sort()
        await store.write({ put: keys.map(key => put('t', key, 'old')) })
        const seen: string[] = []
        for await (const [key, value] of store.entries('t')) {
          seen.push(key)
          assert.match(text(value), /^old$|^new$/)
          if (seen.length === 100) await store.write({ put: keys.map(key => put('t', key, 'new')) })
        }
        assert.deepEqual(seen, keys)
      }),
    )

    it(
      'ends a walk early without harm',
      withStore(make, async store => {
        await store.write({ put: numbered(50).map(key => put('t', key, key)) })
        for await (const [key] of store.entries('t')) {
          assert.equal(key, 'm0')
          break
        }
        await store.write({ put: [put('t', 'm0')] })
        assert.equal((await rows(store, 't')).length, 49)
      }),
    )
  })
}
