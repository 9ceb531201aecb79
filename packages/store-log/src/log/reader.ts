import { type Address, offsetOf } from '../catalog/address.js'
import type { Catalog } from '../catalog/catalog.js'
import type { Segment } from '../catalog/segment.js'
import type { StoreFile } from '../files/file-system.js'
import { filePath } from '../files/names.js'
import type { OpenFiles } from '../files/open-files.js'
import { isIntact, recordEnd } from '../format/record.js'
import type { Block, Tail } from './tail.js'

/** Bytes read at once at most, unless one record is longer. */
const MAX_STRETCH_BYTES = 1_048_576

/** Bytes between two records that are rather read than jumped over. */
const MAX_GAP_BYTES = 32_768

const EMPTY = Buffer.alloc(0)

/** Takes what was asked for, by its index; undefined when the medium has damaged it. */
export type Receiver = (index: number, bytes: Uint8Array | undefined) => void

/** Bytes of one segment that are read at once, with what of them is wanted. */
interface Stretch {
  readonly segment: Segment
  readonly start: number
  end: number
  readonly wanted: number[]
  /** For each that is wanted, where its record starts. */
  readonly records: number[]
}

/** Gets payloads and values from where they lie: out of the tail while they are there, else from the files, checked. */
export class Reader {
  readonly #reading = new Set<Promise<unknown>>()

  constructor(
    readonly catalog: Catalog,
    readonly tail: Tail,
    readonly files: OpenFiles,
    readonly directory: string,
  ) {}

  /** Resolves when nothing is being read. */
  async idle(): Promise<void> {
    while (this.#reading.size > 0) await Promise.allSettled(this.#reading)
  }

  /** What is in the tail is handed over before this returns; nothing is after the promise resolves. */
  async fetch(addresses: readonly Address[], lengths: readonly number[], receive: Receiver): Promise<void> {
    const stored = this.#fromTail(addresses, lengths, receive)
    if (stored.length === 0) return
    const stretches = this.#plan(stored, addresses, lengths)
    for (const { segment } of stretches) segment.pins++
    const reading = Promise.all(stretches.map(stretch => this.#read(stretch, addresses, lengths, receive)))
    this.#reading.add(reading)
    try {
      await reading
    } finally {
      for (const { segment } of stretches) segment.pins--
      this.#reading.delete(reading)
    }
  }

  /** Copies what is in the tail. @returns what is not, in order of address */
  #fromTail(addresses: readonly Address[], lengths: readonly number[], receive: Receiver): number[] {
    const stored: number[] = []
    const held: number[] = []
    const blocks: Block[] = []
    let bytes = 0
    for (let i = 0; i < addresses.length; i++) {
      if (lengths[i] === 0) receive(i, EMPTY)
      else {
        const block = this.tail.find(addresses[i]!)
        if (block === undefined) stored.push(i)
        else {
          held.push(i)
          blocks.push(block)
          bytes += lengths[i]!
        }
      }
    }
    if (held.length > 0) copyOut(held, blocks, bytes, addresses, lengths, receive)
    return stored.sort((a, b) => addresses[a]! - addresses[b]!)
  }

  #plan(stored: readonly number[], addresses: readonly Address[], lengths: readonly number[]): Stretch[] {
    const stretches: Stretch[] = []
    let last: Stretch | undefined
    let record = { start: 0, end: 0 }
    for (const index of stored) {
      const segment = this.catalog.segmentAt(addresses[index]!)
      if (segment === undefined) continue
      const offset = offsetOf(addresses[index]!)
      const isSameRecord = last?.segment === segment && offset >= record.start && offset + lengths[index]! <= record.end
      if (!isSameRecord) {
        record = segment.recordAround(offset)
        if (last === undefined || !canReach(last, segment, record)) {
          last = { segment, ...record, wanted: [], records: [] }
          stretches.push(last)
        }
        last.end = Math.max(last.end, record.end)
      }
      last!.wanted.push(index)
      last!.records.push(record.start)
    }
    return stretches
  }

  async #read(
    stretch: Stretch,
    addresses: readonly Address[],
    lengths: readonly number[],
    receive: Receiver,
  ): Promise<void> {
    const { segment, start, wanted, records } = stretch
    const bytes = await this.#bytes(stretch)
    const size = wanted.reduce((sum, index) => sum + lengths[index]!, 0)
    const isSparse = size * 2 < bytes.length
    let record = -1
    let end = 0
    for (let i = 0; i < wanted.length; i++) {
      if (records[i] !== record) {
        record = records[i]!
        end = intactEnd(bytes, record - start, segment.salt)
      }
      const index = wanted[i]!
      const from = offsetOf(addresses[index]!) - start
      const to = from + lengths[index]!
      const payload = bytes.subarray(from, to)
      receive(index, to > end ? undefined : isSparse ? Buffer.from(payload) : payload)
    }
  }

  async #bytes({ segment, start, end }: Stretch): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(end - start)
    const path = filePath(this.directory, 'segment', segment.number)
    const read = (file: StoreFile) => file.read(bytes, start)
    try {
      return bytes.subarray(0, await this.files.use(path, read))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY
      throw error
    }
  }
}

function copyOut(
  held: readonly number[],
  blocks: readonly Block[],
  bytes: number,
  addresses: readonly Address[],
  lengths: readonly number[],
  receive: Receiver,
): void {
  const copy = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  for (let i = 0; i < held.length; i++) {
    const index = held[i]!
    const { buffer, address } = blocks[i]!
    const from = addresses[index]! - address
    const end = at + buffer.copy(copy, at, from, from + lengths[index]!)
    receive(index, copy.subarray(at, end))
    at = end
  }
}

function canReach(
  stretch: Stretch,
  segment: Segment,
  record: { readonly start: number; readonly end: number },
): boolean {
  return (
    stretch.segment === segment &&
    record.start - stretch.end <= MAX_GAP_BYTES &&
    record.end - stretch.start <= MAX_STRETCH_BYTES
  )
}

/** Where an intact record ends; 0 when it is not. */
function intactEnd(bytes: Buffer, at: number, salt: number): number {
  const end = recordEnd(bytes, at, salt)
  return end !== 0 && isIntact(bytes, at, end, salt) ? end : 0
}
