import { EdgewrightError } from './errors.js'
import {
  MAX_CHANGE_BYTES,
  MAX_NAME_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_REFERENCES,
  type StoreAppend,
  type StoreChange,
} from './ports/store.js'

/** No UTF-16 code unit needs more bytes of UTF-8 than this. */
const MAX_BYTES_PER_UNIT = 3

/** Half of a surrogate pair without the other: UTF-8 cannot carry it, so two such names would become one. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * What every `Store` adapter checks of the name of a queue or table and of a key.
 *
 * @throws `STORE_LIMIT` when it is empty, longer than {@link MAX_NAME_BYTES} or not well-formed Unicode
 */
export function assertStoreName(name: string, what: 'queue' | 'table' | 'key'): void {
  if (name.length === 0) throw limit(`The name of a ${what} is empty`)
  const tooLong = name.length * MAX_BYTES_PER_UNIT > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES
  if (tooLong) throw limit(`The name of a ${what} is longer than ${MAX_NAME_BYTES} bytes`, name.slice(0, 64))
  if (LONE_SURROGATE.test(name)) throw limit(`The name of a ${what} is not well-formed Unicode`)
}

/**
 * What every `Store` adapter checks of a payload and of a row's value.
 *
 * @throws `STORE_LIMIT` when it is longer than {@link MAX_PAYLOAD_BYTES}
 */
export function assertStorePayload(payload: Uint8Array): void {
  if (payload.byteLength <= MAX_PAYLOAD_BYTES) return
  throw limit(`A payload of ${payload.byteLength} bytes is longer than ${MAX_PAYLOAD_BYTES} bytes`)
}

/** What anything in a change weighs beside its bytes, so that nothing in it is for free. */
const ITEM_BYTES = 32

/**
 * Both checks on everything a change holds, and on the change as a whole.
 *
 * @throws `STORE_LIMIT`
 */
export function assertStoreChange({ append = [], remove = [], put = [] }: StoreChange): void {
  let bytes = (append.length + remove.length + put.length) * ITEM_BYTES
  for (const part of append) bytes += appendBytes(part)
  for (const { queue } of remove) assertStoreName(queue, 'queue')
  for (const { table, key, value } of put) {
    assertStoreName(table, 'table')
    assertStoreName(key, 'key')
    if (value !== undefined) assertStorePayload(value)
    bytes += key.length + (value?.byteLength ?? 0)
  }
  if (bytes > MAX_CHANGE_BYTES) throw limit(`A change of ${bytes} bytes is larger than ${MAX_CHANGE_BYTES} bytes`)
}

function appendBytes({ payload, queues }: StoreAppend): number {
  assertStorePayload(payload)
  if (queues.length > MAX_REFERENCES) throw limit(`A payload for ${queues.length} queues`)
  let bytes = payload.byteLength
  for (const { queue } of queues) {
    assertStoreName(queue, 'queue')
    bytes += ITEM_BYTES + queue.length
  }
  return bytes
}

/** The order of a table's keys: by code point, which is the order of their bytes in UTF-8. For `Array.sort`. */
export function compareStoreKeys(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    const unitOfA = a.charCodeAt(i)
    const unitOfB = b.charCodeAt(i)
    if (unitOfA === unitOfB) continue
    return Number(isSurrogate(unitOfA)) - Number(isSurrogate(unitOfB)) || unitOfA - unitOfB
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

function limit(message: string, place?: string): EdgewrightError {
  return new EdgewrightError('STORE_LIMIT', message, {
    ...(place === undefined ? {} : { place }),
    remedy: 'Shorten it, or give it in parts.',
  })
}
