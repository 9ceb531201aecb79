import type { ByteReader, ByteWriter } from './bytes.js'
import { decodeExpiry, encodeExpiry } from './items.js'
import { RecordFileWriter, readParts } from './record-file.js'

/** The parts of an index: a code, then the fields in order. */
const Part = Object.freeze({
  /** count, then for each record: bytes since the start of the one before */
  records: 1,
  /** queue, count, then for each entry what changed since the one before: position, offset, ordinal, length, expiry */
  entries: 2,
})

/** Records or entries of a part, so that no record of the file grows without bound. */
const ENTRIES_OF_A_PART = 1_024

/** One entry whose payload lies in the segment. */
export interface IndexedEntry {
  position: number
  /** Where its payload starts. */
  offset: number
  /** The how-many-th payload of the segment it is. */
  ordinal: number
  length: number
  /** `Infinity` for never. */
  expiresAt: number
}

const NO_ENTRY: IndexedEntry = Object.freeze({ position: 0, offset: 0, ordinal: 0, length: 0, expiresAt: Infinity })

/** Gathers the index of a segment that is full: with it, the segment need not be read to know what is where. */
export class SegmentIndexWriter {
  readonly #file: RecordFileWriter
  #queue = 0
  #entries: IndexedEntry[] = []

  constructor(segment: { readonly number: number; readonly salt: number }, records: Uint32Array) {
    this.#file = new RecordFileWriter('index', segment.number, segment.salt)
    for (let first = 0; first < records.length; first += ENTRIES_OF_A_PART) {
      this.#records(first === 0 ? 0 : records[first - 1]!, records.subarray(first, first + ENTRIES_OF_A_PART))
    }
  }

  /** Adds an entry. All of a queue come one after another. */
  add(queue: number, entry: IndexedEntry): void {
    if (queue !== this.#queue || this.#entries.length === ENTRIES_OF_A_PART) this.#flush()
    this.#queue = queue
    this.#entries.push(entry)
  }

  /** The file, in pieces. */
  finish(): Buffer[] {
    this.#flush()
    return this.#file.finish()
  }

  #records(before: number, starts: Uint32Array): void {
    const part = this.#file.part(Part.records).varint(before).varint(starts.length)
    let last = before
    for (const start of starts) {
      part.varint(start - last)
      last = start
    }
  }

  #flush(): void {
    if (this.#entries.length === 0) return
    const part = this.#file.part(Part.entries).varint(this.#queue).varint(this.#entries.length)
    let last = NO_ENTRY
    for (const entry of this.#entries) {
      encodeEntry(part, entry, last)
      last = entry
    }
    this.#entries = []
  }
}

function encodeEntry(part: ByteWriter, entry: IndexedEntry, last: IndexedEntry): void {
  part.signed(entry.position - last.position)
  part.signed(entry.offset - last.offset)
  part.signed(entry.ordinal - last.ordinal)
  part.varint(entry.length)
  part.signed(encodeExpiry(entry.expiresAt) - encodeExpiry(last.expiresAt))
}

/** Takes what an index holds. */
export interface SegmentIndexVisitor {
  /** Start of a record, in order. */
  record(offset: number): void
  /** The entry object is used again for the next one. */
  entry(queue: number, entry: IndexedEntry): void
}

/** Walks over an index that is whole. */
export function visitSegmentIndex(bytes: Buffer, salt: number, visitor: SegmentIndexVisitor): void {
  readParts(bytes, salt, reader => {
    const part = reader.byte()
    if (part === Part.records) visitRecords(reader, visitor)
    else if (part === Part.entries) visitEntries(reader, visitor)
    else throw new RangeError(`unknown part ${part}`)
  })
}

function visitRecords(reader: ByteReader, visitor: SegmentIndexVisitor): void {
  let start = reader.varint()
  for (let left = reader.varint(); left > 0; left--) {
    start += reader.varint()
    visitor.record(start)
  }
}

function visitEntries(reader: ByteReader, visitor: SegmentIndexVisitor): void {
  const queue = reader.varint()
  const entry = { ...NO_ENTRY }
  let expiry = 0
  for (let left = reader.varint(); left > 0; left--) {
    entry.position += reader.signed()
    entry.offset += reader.signed()
    entry.ordinal += reader.signed()
    entry.length = reader.varint()
    expiry += reader.signed()
    entry.expiresAt = decodeExpiry(expiry)
    visitor.entry(queue, entry)
  }
}
