import { type Address, addressOf } from '../catalog/address.js'
import type { Catalog } from '../catalog/catalog.js'
import { filePath } from '../files/names.js'
import type { OpenFiles } from '../files/open-files.js'
import { isIntact, recordEnd } from '../format/record.js'
import { type Loaded, planStretches, type Stretch } from './stretch.js'
import type { Tail } from './tail.js'

/** Stretches kept that were read lately. */
const RECENT_STRETCHES = 4

/** A stretch is kept unless it is longer: with what is read ahead, what a pump asks for is not. */
const MAX_RECENT_BYTES = 524_288

const EMPTY = Buffer.alloc(0)

/** What is to be fetched: where it lies, and how long it is. */
export interface Places {
  readonly addresses: readonly Address[]
  readonly lengths: readonly number[]
}

/** What was fetched, in the same order; undefined where the medium has damaged it. */
export type Fetched = (Buffer | undefined)[]

/** Gets payloads and values from where they lie: out of the tail while they are there, else from the files, checked. */
export class Reader {
  readonly #reading = new Set<Promise<unknown>>()
  readonly #recent: Loaded[] = []

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

  async fetch(places: Places): Promise<Fetched> {
    const fetched: Fetched = new Array(places.addresses.length).fill(undefined)
    const stored = this.#fromTail(places, fetched)
    if (stored.length === 0) return fetched
    const stretches = planStretches(stored, places, this.catalog, this.#recent)
    for (const { segment } of stretches) segment.pins++
    const reading = Promise.all(stretches.map(stretch => this.#read(stretch, places, fetched)))
    this.#reading.add(reading)
    try {
      await reading
      return fetched
    } finally {
      for (const { segment } of stretches) segment.pins--
      this.#reading.delete(reading)
    }
  }

  /** Copies what is in the tail. @returns indexes of what is not, in order of address */
  #fromTail({ addresses, lengths }: Places, fetched: Fetched): number[] {
    const { start } = this.tail
    const stored: number[] = []
    const held: number[] = []
    let last = -1
    let isInOrder = true
    for (let i = 0; i < addresses.length; i++) {
      const address = addresses[i]!
      if (lengths[i] === 0) fetched[i] = EMPTY
      else if (address >= start && this.tail.find(address) !== undefined) held.push(i)
      else {
        if (address < last) isInOrder = false
        last = address
        stored.push(i)
      }
    }
    if (held.length > 0) this.#copyOut(held, { addresses, lengths }, fetched)
    return isInOrder ? stored : stored.sort((a, b) => addresses[a]! - addresses[b]!)
  }

  #copyOut(held: readonly number[], { addresses, lengths }: Places, fetched: Fetched): void {
    const copy = Buffer.allocUnsafeSlow(held.reduce((sum, index) => sum + lengths[index]!, 0))
    let at = 0
    for (const index of held) {
      const { buffer, address } = this.tail.find(addresses[index]!)!
      const from = addresses[index]! - address
      const end = at + buffer.copy(copy, at, from, from + lengths[index]!)
      fetched[index] = copy.subarray(at, end)
      at = end
    }
  }

  async #read(stretch: Stretch, { addresses, lengths }: Places, fetched: Fetched): Promise<void> {
    const { segment, start, wanted, records, size } = stretch
    const { bytes } = stretch.loaded ?? (await this.#load(stretch))
    const isSparse = size * 4 < bytes.length
    const base = addressOf(segment.number, start)
    let record = -1
    let end = 0
    for (let i = 0; i < wanted.length; i++) {
      if (records[i] !== record) {
        record = records[i]!
        end = intactEnd(bytes, record - start, segment.salt)
      }
      const index = wanted[i]!
      const from = addresses[index]! - base
      const to = from + lengths[index]!
      if (to > end) continue
      const payload = bytes.subarray(from, to)
      fetched[index] = isSparse ? Buffer.from(payload) : payload
    }
  }

  async #load({ segment, start, end }: Stretch): Promise<Loaded> {
    const bytes = Buffer.allocUnsafeSlow(end - start)
    const path = filePath(this.directory, 'segment', segment.number)
    try {
      const filled = await this.files.use(path, file => file.read(bytes, start))
      const loaded = { segment, start, bytes: bytes.subarray(0, filled) }
      if (filled <= MAX_RECENT_BYTES) this.#recent.unshift(loaded)
      this.#recent.length = Math.min(this.#recent.length, RECENT_STRETCHES)
      return loaded
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { segment, start, bytes: EMPTY }
      throw error
    }
  }
}

/** Where an intact record ends; 0 when it is not. */
function intactEnd(bytes: Buffer, at: number, salt: number): number {
  const end = recordEnd(bytes, at, salt)
  return end !== 0 && isIntact(bytes, at, end, salt) ? end : 0
}
