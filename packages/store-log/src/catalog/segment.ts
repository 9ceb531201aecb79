import { FILE_HEADER_BYTES } from '../format/file-header.js'

/** What stands around a payload or a row, more or less: its share of headers, references and names. */
export const OVERHEAD_BYTES = 32

/** One file of the log: what in it is wanted, and where its records start. */
export class Segment {
  /** Bytes that are durable. */
  size = FILE_HEADER_BYTES
  /** Bytes of payloads and rows that are wanted, each once. */
  live = 0
  /** Payloads and rows that are wanted. */
  wanted = 0
  /** Reads under way: the file must stay. */
  pins = 0
  /** No longer written to. */
  isSealed = false
  /** References to each payload, by its ordinal. */
  #references = new Uint32Array(64)
  #payloads = 0
  #records = new Uint32Array(16)
  #recordCount = 0

  constructor(
    readonly number: number,
    /** Where the file's checksums start from. */
    readonly salt: number,
  ) {}

  /** The ordinal for one more payload. */
  nextPayload(): number {
    return this.#payloads++
  }

  /** One more entry wants a payload. */
  retain(ordinal: number, length: number): void {
    if (ordinal >= this.#references.length) this.#references = grown(this.#references, ordinal)
    if (ordinal >= this.#payloads) this.#payloads = ordinal + 1
    if (this.#references[ordinal]!++ === 0) this.retainRow(length)
  }

  /** One entry wants a payload no more. */
  release(ordinal: number, length: number): void {
    if (--this.#references[ordinal]! === 0) this.releaseRow(length)
  }

  retainRow(length: number): void {
    this.wanted++
    this.live += length + OVERHEAD_BYTES
  }

  releaseRow(length: number): void {
    this.wanted--
    this.live -= length + OVERHEAD_BYTES
  }

  /** Starts of records, in order. */
  get records(): Uint32Array {
    return this.#records.subarray(0, this.#recordCount)
  }

  addRecord(offset: number): void {
    if (this.#recordCount === this.#records.length) this.#records = grown(this.#records, this.#recordCount)
    this.#records[this.#recordCount++] = offset
  }

  /** Forgets records from an offset on: they were never written. */
  dropRecords(from: number): void {
    while (this.#recordCount > 0 && this.#records[this.#recordCount - 1]! >= from) this.#recordCount--
  }

  /** The start of the record that holds an offset, and the start of the next one. */
  recordAround(offset: number): { readonly start: number; readonly end: number } {
    let low = 0
    let high = this.#recordCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#records[middle]! <= offset) low = middle + 1
      else high = middle
    }
    const start = low === 0 ? FILE_HEADER_BYTES : this.#records[low - 1]!
    const end = low < this.#recordCount ? this.#records[low]! : this.size
    return { start, end: Math.max(start, end) }
  }

  /** Gives back what room for growing is left: nothing more will be added. */
  seal(): void {
    this.isSealed = true
    this.#references = this.#references.slice(0, this.#payloads)
    this.#records = this.#records.slice(0, this.#recordCount)
  }
}

function grown(numbers: Uint32Array, index: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(numbers.length * 2, index + 1))
  larger.set(numbers)
  return larger
}
