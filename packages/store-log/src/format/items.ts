import { ByteReader } from './bytes.js'

/** What a record's body is made of, one after another: a code, then the fields in order. */
export const Item = Object.freeze({
  /** id, name: what a number stands for from here on. */
  queue: 1,
  /** id, name */
  table: 2,
  /** references (queue, position, expiry), length, payload */
  append: 3,
  /** The same, for entries that stand already: the payload has moved here. */
  carry: 4,
  /** queue, first position, last position */
  remove: 5,
  /** table, key, length, value */
  put: 6,
  /** table, key */
  delete: 7,
  /** segment and offset where the value stood, then as a put: the value has moved here, if nothing took its place. */
  carryRow: 8,
})

/** Bytes that stand in a file. */
export interface Extent {
  readonly offset: number
  readonly length: number
}

/** One entry that a payload belongs to. */
export interface Reference {
  readonly queue: number
  readonly position: number
  /** `Infinity` for never. */
  readonly expiresAt: number
}

/** Takes the items of a body in order; offsets count from the start of the bytes. */
export interface ItemVisitor {
  queue(id: number, name: string): void
  table(id: number, name: string): void
  append(references: readonly Reference[], payload: Extent): void
  carry(references: readonly Reference[], payload: Extent): void
  remove(queue: number, from: number, through: number): void
  put(table: number, key: string, value: Extent): void
  delete(table: number, key: string): void
  carryRow(segment: number, offset: number, table: number, key: string, value: Extent): void
}

/**
 * Walks over the items of an intact body.
 *
 * @throws `RangeError` at an item that this version cannot read
 */
export function visitItems(bytes: Buffer, from: number, to: number, visitor: ItemVisitor): void {
  const reader = new ByteReader(bytes, from, to)
  while (!reader.isDone) {
    const code = reader.byte()
    const read = READERS.get(code)
    if (read === undefined) throw new RangeError(`unknown item ${code}`)
    read(reader, visitor)
  }
}

const READERS: ReadonlyMap<number, (reader: ByteReader, visitor: ItemVisitor) => void> = new Map([
  [Item.queue, (reader, visitor) => visitor.queue(reader.varint(), reader.text())],
  [Item.table, (reader, visitor) => visitor.table(reader.varint(), reader.text())],
  [Item.append, (reader, visitor) => visitor.append(readReferences(reader), readExtent(reader))],
  [Item.carry, (reader, visitor) => visitor.carry(readReferences(reader), readExtent(reader))],
  [Item.remove, (reader, visitor) => visitor.remove(reader.varint(), reader.varint(), reader.varint())],
  [Item.put, (reader, visitor) => visitor.put(reader.varint(), reader.text(), readExtent(reader))],
  [Item.delete, (reader, visitor) => visitor.delete(reader.varint(), reader.text())],
  [
    Item.carryRow,
    (reader, visitor) =>
      visitor.carryRow(reader.varint(), reader.varint(), reader.varint(), reader.text(), readExtent(reader)),
  ],
])

function readReferences(reader: ByteReader): Reference[] {
  const count = reader.varint()
  const references: Reference[] = []
  for (let i = 0; i < count; i++) {
    references.push({ queue: reader.varint(), position: reader.varint(), expiresAt: decodeExpiry(reader.varint()) })
  }
  return references
}

function readExtent(reader: ByteReader): Extent {
  const length = reader.varint()
  return { offset: reader.skip(length), length }
}

/** An expiry as a number that is small when there is none: 0 for never, else milliseconds since 1970 plus one. */
export function encodeExpiry(expiresAt: number): number {
  return expiresAt < Number.MAX_SAFE_INTEGER ? Math.ceil(Math.max(expiresAt, 0)) + 1 : 0
}

export function decodeExpiry(code: number): number {
  return code === 0 ? Number.POSITIVE_INFINITY : code - 1
}
