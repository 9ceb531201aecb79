import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { EdgewrightError } from './errors.js'
import { MAX_CHANGE_BYTES, MAX_NAME_BYTES, MAX_PAYLOAD_BYTES, MAX_REFERENCES } from './ports/store.js'
import { assertStoreChange, assertStoreName, assertStorePayload, compareStoreKeys } from './store-limits.js'

const isLimit = (error: unknown) => EdgewrightError.is(error, 'STORE_LIMIT')

describe('limits of a store', () => {
  it('takes names up to the limit in bytes, not in characters', () => {
    assertStoreName('a'.repeat(MAX_NAME_BYTES), 'queue')
    assertStoreName('é'.repeat(MAX_NAME_BYTES / 2), 'queue')
    assert.throws(() => assertStoreName('a'.repeat(MAX_NAME_BYTES + 1), 'queue'), isLimit)
    assert.throws(() => assertStoreName('é'.repeat(MAX_NAME_BYTES / 2 + 1), 'table'), isLimit)
    assert.throws(() => assertStoreName('', 'key'), isLimit)
  })

  it('refuses names that UTF-8 cannot carry', () => {
    assertStoreName('\u{1f600}', 'key')
    assert.throws(() => assertStoreName('\ud83d', 'key'), isLimit)
    assert.throws(() => assertStoreName('\ude00\ud83d', 'key'), isLimit)
  })

  it('looks at every part of a change', () => {
    const payload = new Uint8Array(1)
    const long = 'a'.repeat(MAX_NAME_BYTES + 1)
    const heavy = new Uint8Array(MAX_PAYLOAD_BYTES + 1)
    assertStoreChange({})
    assertStorePayload(heavy.subarray(1))
    const refused = [
      { append: [{ payload: heavy, queues: [] }] },
      { append: [{ payload, queues: [{ queue: 'a' }, { queue: long }] }] },
      { remove: [{ queue: long, through: 0 }] },
      { put: [{ table: '', key: 'a' }] },
      { put: [{ table: 'a', key: long }] },
      { put: [{ table: 'a', key: 'a', value: heavy }] },
      { append: [{ payload, queues: Array(MAX_REFERENCES + 1).fill({ queue: 'a' }) }] },
      { remove: Array(MAX_CHANGE_BYTES / 32 + 1).fill({ queue: 'a', through: 0 }) },
      { append: Array(MAX_CHANGE_BYTES / MAX_PAYLOAD_BYTES + 1).fill({ payload: heavy.subarray(1), queues: [] }) },
    ]
    for (const change of refused) assert.throws(() => assertStoreChange(change), isLimit)
  })

  it('orders keys as their UTF-8 bytes do', () => {
    const keys = ['', 'a', 'ab', 'b', 'Z', '\uffff', '\u{10000}', '\u{1f600}', '\ue000', 'é', '\u0000', '\u{1f600}a']
    const byBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual([...keys].sort(compareStoreKeys), byBytes)
  })
})
