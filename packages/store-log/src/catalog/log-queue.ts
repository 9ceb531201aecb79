import type { Position, QueueState } from '@edgewright/core'
import { type Address, lengthOf, NOWHERE, type Payload } from './address.js'
import type { Run } from '../format/snapshot.js'
import { CHUNK_CAPACITY, Chunk, FIRST_ROOM, NEXT_ROOM } from './chunk.js'

/** Gets an entry's place and payload. */
export type EntryVisitor = (address: Address, payload: Payload, position: Position, expiresAt: number) => void

type MutableRun = { -readonly [Key in keyof Run]: Run[Key] }

/** Adds positions behind all that are there, to the last run when they follow on it. */
function addRun(runs: MutableRun[], from: Position, through: Position): void {
  const last = runs.at(-1)
  if (last?.through === from - 1) last.through = through
  else runs.push({ from, through })
}

/** One entry of one chunk. */
interface Slot {
  readonly chunk: Chunk
  index: number
}

/**
 * One queue: where its entries lie. Entries are put in as soon as they are on their way to the file, and are seen by
 * readers when they are durable.
 */
export class LogQueue {
  /** Position of the next entry. */
  next: Position = 0
  /** Position of the first entry that is not durable yet. */
  visible: Position = 0
  /** Durable entries, and bytes of their payloads. */
  length = 0
  bytes = 0
  /** Entries ever put in by this process, and bytes of their payloads. */
  pushedLength = 0
  pushedBytes = 0
  /** Number of the group that an entry was last put in with. */
  lastGroup = 0
  /** Whether the log tells what the number of this queue stands for: durably, on its way, or not. */
  declared: 'durable' | 'pending' | 'no' = 'no'
  #revealedLength = 0
  #revealedBytes = 0
  #chunks: Chunk[] = []
  /** Where an entry was found last. The next one that is looked for mostly stands behind it. */
  #found: Slot | undefined

  constructor(
    readonly id: number,
    readonly name: string,
  ) {}

  get state(): QueueState {
    const { name: queue, length, bytes } = this
    return { queue, length, bytes, head: length === 0 ? this.visible : this.#chunks[0]!.first, next: this.visible }
  }

  push(position: Position, address: Address, payload: Payload, expiresAt: number): void {
    this.#openChunk(1).push(position, address, payload, expiresAt)
    this.next = position + 1
    this.pushedLength++
    this.pushedBytes += lengthOf(payload)
  }

  /** What was pushed is durable up to here: `next`, `pushedLength` and `pushedBytes` as they were then. */
  reveal(next = this.next, pushedLength = this.pushedLength, pushedBytes = this.pushedBytes): void {
    this.visible = next
    this.length += pushedLength - this.#revealedLength
    this.bytes += pushedBytes - this.#revealedBytes
    this.#revealedLength = pushedLength
    this.#revealedBytes = pushedBytes
  }

  /** Forgets every entry that is not durable. */
  rollback(release: EntryVisitor): void {
    this.#cut({ from: this.visible, through: this.next - 1 }, release)
    this.next = this.visible
    this.pushedLength = this.#revealedLength
    this.pushedBytes = this.#revealedBytes
  }

  /** Visits durable entries from a position on until told to stop. */
  visit(from: Position, visitor: (...entry: Parameters<EntryVisitor>) => boolean): void {
    for (let index = this.#chunkAt(from); index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index]!
      for (let slot = chunk.slotAt(from); slot < chunk.end; slot++) {
        const position = chunk.position(slot)
        if (position >= this.visible) return
        if (!visitor(chunk.address(slot), chunk.payload(slot), position, chunk.expiresAt(slot))) return
      }
    }
  }

  /** Visits durable entries that lie in a range of addresses. Quick where no chunk has any. */
  visitWithin(lowest: Address, end: Address, visitor: EntryVisitor): void {
    for (const chunk of this.#chunks) {
      if (chunk.highest < lowest || chunk.lowest >= end) continue
      for (let slot = chunk.start; slot < chunk.end; slot++) {
        const address = chunk.address(slot)
        const position = chunk.position(slot)
        if (address < lowest || address >= end || position >= this.visible) continue
        visitor(address, chunk.payload(slot), position, chunk.expiresAt(slot))
      }
    }
  }

  /** Removes durable entries. @returns how many went */
  remove(run: Run, release: EntryVisitor): number {
    let bytes = 0
    const count = this.#cut(run, (address, payload, position, expiresAt) => {
      bytes += lengthOf(payload)
      release(address, payload, position, expiresAt)
    })
    this.length -= count
    this.bytes -= bytes
    return count
  }

  /** Where an entry lies; undefined when it is not here. */
  addressOf(position: Position): Address | undefined {
    const slot = this.#find(position)
    return slot?.chunk.address(slot.index)
  }

  /** Says where an entry lies now. @returns whether it is here */
  relocate(position: Position, address: Address, payload: Payload, expiresAt: number, release: EntryVisitor): boolean {
    const slot = this.#find(position)
    if (slot === undefined) return false
    const { chunk, index } = slot
    const old = chunk.address(index)
    this.bytes += lengthOf(payload) - lengthOf(chunk.payload(index))
    if (old !== NOWHERE) release(old, chunk.payload(index), position, chunk.expiresAt(index))
    chunk.relocate(index, address, payload, expiresAt)
    return true
  }

  /** Entries that are known to wait, while it is not known yet where they lie: for recovery. */
  expect({ from, through }: Run): void {
    for (let next = from; next <= through; ) {
      const left = through + 1 - next
      next += this.#openChunk(left).expect(next, left)
    }
    this.next = through + 1
    this.pushedLength += through + 1 - from
    this.reveal()
  }

  /** Leaves out positions up to this one. */
  skipTo(next: Position): void {
    this.next = Math.max(this.next, next)
    this.reveal()
  }

  /** Removes entries of which nobody told where they lie. @returns how many those were */
  removeUnplaced(): number {
    const unplaced: Position[] = []
    for (const chunk of this.#chunks) {
      if (chunk.unplaced === 0) continue
      for (let slot = chunk.start; slot < chunk.end; slot++) {
        if (chunk.address(slot) === NOWHERE) unplaced.push(chunk.position(slot))
      }
    }
    for (const position of unplaced) this.remove({ from: position, through: position }, () => undefined)
    return unplaced.length
  }

  /** Durable positions, as runs. */
  runs(): Run[] {
    const runs: MutableRun[] = []
    for (const chunk of this.#chunks) {
      const { first, last } = chunk
      if (last < this.visible && last - first === chunk.length - 1) addRun(runs, first, last)
      else {
        for (let slot = chunk.start; slot < chunk.end && chunk.position(slot) < this.visible; slot++) {
          addRun(runs, chunk.position(slot), chunk.position(slot))
        }
      }
    }
    return runs
  }

  /** Durable positions that expire by `now`, as runs. */
  expiredRuns(now: number): Run[] {
    const runs: MutableRun[] = []
    for (const chunk of this.#chunks) {
      if (chunk.soonest > now) continue
      chunk.tighten()
      for (let slot = chunk.start; slot < chunk.end; slot++) {
        const position = chunk.position(slot)
        if (chunk.expiresAt(slot) <= now && position < this.visible) addRun(runs, position, position)
      }
    }
    return runs
  }

  /** The last chunk, or a new one, where so many entries are about to go. */
  #openChunk(coming: number): Chunk {
    const last = this.#chunks.at(-1)
    if (last !== undefined && !last.isFull) return last
    const room = last === undefined ? FIRST_ROOM : NEXT_ROOM
    const chunk = new Chunk(coming < CHUNK_CAPACITY ? room : CHUNK_CAPACITY)
    this.#chunks.push(chunk)
    return chunk
  }

  #find(position: Position): Slot | undefined {
    const last = this.#found
    if (last !== undefined && ++last.index < last.chunk.end && last.chunk.position(last.index) === position) return last
    this.#found = undefined
    const chunk = this.#chunks[this.#chunkAt(position)]
    const index = chunk?.slotAt(position) ?? 0
    if (chunk === undefined || index === chunk.end || chunk.position(index) !== position) return undefined
    this.#found = { chunk, index }
    return this.#found
  }

  #cut({ from, through }: Run, release: EntryVisitor): number {
    if (from > through) return 0
    this.#found = undefined
    let count = 0
    let emptied = 0
    const first = this.#chunkAt(from)
    let index = first
    for (; index < this.#chunks.length && this.#chunks[index]!.first <= through; index++) {
      const chunk = this.#chunks[index]!
      const start = chunk.slotAt(from)
      const end = chunk.slotAt(through + 1)
      for (let slot = start; slot < end; slot++) {
        release(chunk.address(slot), chunk.payload(slot), chunk.position(slot), chunk.expiresAt(slot))
      }
      count += end - start
      chunk.cut(start, end)
      if (chunk.length === 0) emptied++
    }
    if (emptied > 0) this.#dropEmpty(first, index)
    return count
  }

  #dropEmpty(first: number, end: number): void {
    const kept = this.#chunks.slice(first, end).filter(chunk => chunk.length > 0)
    this.#chunks.splice(first, end - first, ...kept)
  }

  /** Index of the first chunk that ends at or after a position. */
  #chunkAt(position: Position): number {
    const chunks = this.#chunks
    if (chunks.length === 0 || position <= chunks[0]!.last) return 0
    let low = 0
    let high = chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (chunks[middle]!.last < position) low = middle + 1
      else high = middle
    }
    return low
  }
}
