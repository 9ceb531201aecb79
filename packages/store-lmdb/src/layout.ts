import type { Position } from '@edgewright/core'

/** What the store's `meta` database says the layout is. Raised when a reader of the old one would go wrong. */
export const LAYOUT_VERSION = 1

/** Stands for "never" among expiry times. */
const NEVER = Number.POSITIVE_INFINITY

const ENTRY_HEADER_BYTES = 18

/** One entry of a queue as its row says; the payload is inline, or shared and then a row of its own. */
export interface EntryRow {
  readonly expiresAt: number | undefined
  /** Bytes of the payload. */
  readonly length: number
  /** Number of the shared payload; 0 when it is inline. */
  readonly shared: number
  /** The inline payload. */
  readonly payload: Buffer
}

/** The row of a queue: what must be known without looking at its entries. */
export interface QueueRow {
  readonly id: number
  readonly next: Position
  readonly length: number
  readonly bytes: number
}

/** Key of an entry: queue (4 bytes), position (6), both big-endian, so that keys of a queue stand in order. */
export function entryKey(queue: number, position: Position): Buffer {
  const key = Buffer.allocUnsafe(10)
  key.writeUInt32BE(queue, 0)
  key.writeUIntBE(Math.min(position, MAX_POSITION), 4, 6)
  return key
}

/** The position that an entry's key ends with. */
export function positionOf(key: Buffer): Position {
  return key.readUIntBE(4, 6)
}

/** No queue gets that far. */
export const MAX_POSITION: Position = 2 ** 48 - 1

/** Value of an entry: expiry (8 bytes, double), number of the shared payload (6), length (4), inline payload. */
export function encodeEntry(payload: Uint8Array, expiresAt: number | undefined, shared: number): Buffer {
  const value = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + (shared === 0 ? payload.byteLength : 0))
  value.writeDoubleBE(expiresAt ?? NEVER, 0)
  value.writeUIntBE(shared, 8, 6)
  value.writeUInt32BE(payload.byteLength, 14)
  if (shared === 0) value.set(payload, ENTRY_HEADER_BYTES)
  return value
}

export function decodeEntry(value: Buffer): EntryRow {
  const expiresAt = value.readDoubleBE(0)
  return {
    expiresAt: expiresAt === NEVER ? undefined : expiresAt,
    shared: value.readUIntBE(8, 6),
    length: value.readUInt32BE(14),
    payload: value.subarray(ENTRY_HEADER_BYTES),
  }
}

/** Key of the list by expiry: time (8 bytes, double), then the entry's own key. */
export function expiryKey(expiresAt: number, entry: Buffer): Buffer {
  const key = Buffer.allocUnsafe(8 + entry.length)
  key.writeDoubleBE(Math.max(expiresAt, 0), 0)
  entry.copy(key, 8)
  return key
}

/** The entry's key that a key of the list by expiry ends with. */
export function expiringEntry(key: Buffer): Buffer {
  return key.subarray(8)
}

/** Key of a shared payload, or of anything else that is numbered: 6 bytes, big-endian. */
export function numberKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(6)
  key.writeUIntBE(number, 0, 6)
  return key
}

/** Key of a row: table (4 bytes, big-endian), then the key in UTF-8, whose order is that of the port. */
export function rowKey(table: number, key: string): Buffer {
  const encoded = Buffer.allocUnsafe(4 + Buffer.byteLength(key))
  encoded.writeUInt32BE(table, 0)
  encoded.write(key, 4)
  return encoded
}

/** The text that a row's key ends with. */
export function rowName(key: Buffer): string {
  return key.toString('utf8', 4)
}

/** Value of a queue: id (4 bytes), next position, length and bytes (a double each). */
export function encodeQueue(row: QueueRow): Buffer {
  const value = Buffer.allocUnsafe(28)
  value.writeUInt32BE(row.id, 0)
  value.writeDoubleBE(row.next, 4)
  value.writeDoubleBE(row.length, 12)
  value.writeDoubleBE(row.bytes, 20)
  return value
}

export function decodeQueue(value: Buffer): QueueRow {
  return {
    id: value.readUInt32BE(0),
    next: value.readDoubleBE(4),
    length: value.readDoubleBE(12),
    bytes: value.readDoubleBE(20),
  }
}

/** Value of anything that is one number. */
export function encodeNumber(number: number): Buffer {
  const value = Buffer.allocUnsafe(8)
  value.writeDoubleBE(number, 0)
  return value
}

export function decodeNumber(value: Buffer): number {
  return value.readDoubleBE(0)
}
