import type { Position, StoreAppend, StoreChange, StorePut, StoreRemoval } from '@edgewright/core'
import { type Catalog, firstPosition, writeCounters } from './catalog.js'
import type { Environment } from './environment.js'
import {
  decodeEntry,
  decodeNumber,
  encodeEntry,
  encodeNumber,
  type EntryRow,
  entryKey,
  expiringEntry,
  expiryKey,
  MAX_POSITION,
  numberKey,
  positionOf,
  rowKey,
} from './layout.js'
import { LmdbQueue } from './lmdb-queue.js'

/** What LMDB needs around an entry or a row, more or less: keys, headers, node pointers, half-filled pages. */
export const ROW_OVERHEAD_BYTES = 64

/** Rows gathered before they are deleted: a cursor must not run over what it deletes. */
const REMOVAL_CHUNK = 1_000

/**
 * Changes on their way into one transaction. Rows are written at once; the catalog learns of it in {@link accept},
 * when the transaction is durable. All methods but that one run within the transaction.
 */
export class Draft {
  readonly #queues = new Map<string, LmdbQueue>()
  readonly #tables = new Map<string, number>()
  #nextNumber: number
  #bytes: number

  constructor(
    readonly environment: Environment,
    readonly catalog: Catalog,
  ) {
    this.#nextNumber = catalog.nextNumber
    this.#bytes = catalog.bytes
  }

  apply(change: StoreChange): void {
    for (const removal of change.remove ?? []) this.remove(removal)
    for (const append of change.append ?? []) this.#append(append)
    for (const put of change.put ?? []) this.#put(put)
  }

  remove({ queue: name, from = 0, through }: StoreRemoval): void {
    const queue = this.#existingQueue(name)
    if (queue === undefined) return
    const first = Math.max(from, queue.head)
    const last = Math.min(through, queue.next - 1)
    if (first > last) return
    const { entries } = this.environment
    const range = { start: entryKey(queue.id, first), end: entryKey(queue.id, last + 1), limit: REMOVAL_CHUNK }
    for (;;) {
      const chunk = [...entries.getRange(range)]
      for (const { key, value } of chunk) this.#drop(queue, key, decodeEntry(value))
      if (chunk.length < REMOVAL_CHUNK) break
    }
    if (first === queue.head) queue.head = firstPosition(entries, queue.id, last + 1) ?? queue.next
  }

  /** @returns what went, per queue */
  removeExpired(now: number): Map<string, number> {
    const namesById = new Map(Array.from(this.catalog.queues.values(), queue => [queue.id, queue.name]))
    const counts = new Map<string, number>()
    const { expiries } = this.environment
    const range = { end: expiryKey(now, entryKey(0xffff_ffff, MAX_POSITION)), limit: REMOVAL_CHUNK }
    for (;;) {
      const expired = [...expiries.getKeys(range)].map(key => expiringEntry(key))
      for (const entry of expired) {
        const name = namesById.get(entry.readUInt32BE(0))!
        const position = positionOf(entry)
        this.remove({ queue: name, from: position, through: position })
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
      if (expired.length < REMOVAL_CHUNK) return counts
    }
  }

  /** Writes what the catalog is to say after the transaction. */
  finish(): void {
    const { queues, tables } = this.environment
    for (const queue of this.#queues.values()) queues.put(Buffer.from(queue.name), queue.encode())
    for (const [name, id] of this.#tables) tables.put(Buffer.from(name), encodeNumber(id))
    writeCounters(this.environment, { nextNumber: this.#nextNumber, bytes: this.#bytes })
  }

  /** Makes it true for readers: the transaction is durable. */
  accept(): void {
    for (const [name, queue] of this.#queues) this.catalog.queues.set(name, queue)
    for (const [name, id] of this.#tables) this.catalog.tables.set(name, id)
    this.catalog.nextNumber = this.#nextNumber
    this.catalog.bytes = this.#bytes
  }

  #append({ payload, queues }: StoreAppend): void {
    if (queues.length === 0) return
    const { payloads, references } = this.environment
    const shared = queues.length === 1 ? 0 : this.#nextNumber++
    if (shared !== 0) {
      payloads.put(numberKey(shared), Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength))
      references.put(numberKey(shared), encodeNumber(queues.length))
    }
    this.#bytes += payload.byteLength + ROW_OVERHEAD_BYTES
    for (const { queue, expiresAt } of queues) this.#enqueue(this.#queueFor(queue), payload, expiresAt, shared)
  }

  #enqueue(queue: LmdbQueue, payload: Uint8Array, expiresAt: number | undefined, shared: number): void {
    const { entries, expiries } = this.environment
    const key = entryKey(queue.id, queue.next)
    entries.put(key, encodeEntry(payload, expiresAt, shared))
    if (expiresAt !== undefined) expiries.put(expiryKey(expiresAt, key), Buffer.alloc(0))
    queue.next++
    queue.length++
    queue.bytes += payload.byteLength
  }

  #drop(queue: LmdbQueue, key: Buffer, { expiresAt, length, shared }: EntryRow): void {
    const { entries, expiries } = this.environment
    entries.remove(key)
    if (expiresAt !== undefined) expiries.remove(expiryKey(expiresAt, key))
    queue.length--
    queue.bytes -= length
    if (shared === 0 || this.#dropReference(numberKey(shared))) this.#bytes -= length + ROW_OVERHEAD_BYTES
  }

  /** @returns whether that was the last one */
  #dropReference(payload: Buffer): boolean {
    const { payloads, references } = this.environment
    const left = decodeNumber(references.get(payload)!) - 1
    if (left > 0) {
      references.put(payload, encodeNumber(left))
      return false
    }
    references.remove(payload)
    payloads.remove(payload)
    return true
  }

  #put({ table, key, value }: StorePut): void {
    const { rows } = this.environment
    const row = rowKey(this.#tableFor(table), key)
    const old = rows.get(row)
    if (old !== undefined) this.#bytes -= row.length + old.length + ROW_OVERHEAD_BYTES
    if (value === undefined) {
      if (old !== undefined) rows.remove(row)
      return
    }
    rows.put(row, Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    this.#bytes += row.length + value.byteLength + ROW_OVERHEAD_BYTES
  }

  #existingQueue(name: string): LmdbQueue | undefined {
    const draft = this.#queues.get(name)
    if (draft !== undefined) return draft
    const copy = this.catalog.queues.get(name)?.copy()
    if (copy !== undefined) this.#queues.set(name, copy)
    return copy
  }

  #queueFor(name: string): LmdbQueue {
    const existing = this.#existingQueue(name)
    if (existing !== undefined) return existing
    const next: Position = 0
    const queue = new LmdbQueue(name, { id: this.#nextNumber++, next, length: 0, bytes: 0 }, next)
    this.#queues.set(name, queue)
    return queue
  }

  #tableFor(name: string): number {
    const existing = this.#tables.get(name) ?? this.catalog.tables.get(name)
    if (existing !== undefined) return existing
    const id = this.#nextNumber++
    this.#tables.set(name, id)
    return id
  }
}
