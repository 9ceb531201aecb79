import type { Position, QueueEntry, QueueRead, QueueState, StoreRemoval } from '@edgewright/core'

/** A payload with the number of entries that refer to it. */
export interface SharedPayload {
  readonly bytes: Uint8Array
  references: number
}

/** One entry, as it waits. */
export interface MemoryEntry {
  readonly position: Position
  readonly payload: SharedPayload
  readonly expiresAt: number | undefined
}

/** What `QueueRead` leaves open. */
export const READ_DEFAULTS = Object.freeze({ limit: 256, maxBytes: 1_048_576 })

/** One queue: its entries in order of position, with holes where something was taken out of the middle. */
export class MemoryQueue {
  #entries: MemoryEntry[] = []
  /** Entries before this index are gone; their slots are given back when they are the greater part. */
  #start = 0
  #bytes = 0
  next: Position

  constructor(
    readonly name: string,
    next: Position = 0,
  ) {
    this.next = next
  }

  get state(): QueueState {
    const length = this.#entries.length - this.#start
    const head = this.#entries[this.#start]?.position ?? this.next
    return { queue: this.name, length, bytes: this.#bytes, head, next: this.next }
  }

  append(payload: SharedPayload, expiresAt: number | undefined): void {
    this.restore({ position: this.next, payload, expiresAt })
  }

  /** Takes an entry at the position it had. Positions must go up. */
  restore(entry: MemoryEntry): void {
    this.#entries.push(entry)
    this.#bytes += entry.payload.bytes.byteLength
    this.next = entry.position + 1
    entry.payload.references++
  }

  *entries(): IterableIterator<MemoryEntry> {
    for (let i = this.#start; i < this.#entries.length; i++) yield this.#entries[i]!
  }

  read(range: QueueRead): readonly QueueEntry[] {
    const { from = 0, limit = READ_DEFAULTS.limit, maxBytes = READ_DEFAULTS.maxBytes } = range
    const found: QueueEntry[] = []
    let bytes = 0
    for (let i = this.#indexOf(from); i < this.#entries.length && found.length < limit; i++) {
      const { position, payload, expiresAt } = this.#entries[i]!
      bytes += payload.bytes.byteLength
      if (bytes > maxBytes && found.length > 0) break
      found.push(
        expiresAt === undefined
          ? { position, payload: payload.bytes }
          : { position, payload: payload.bytes, expiresAt },
      )
    }
    return found
  }

  remove({ from = 0, through }: StoreRemoval, released: (payload: SharedPayload) => void): void {
    const first = this.#indexOf(from)
    const end = this.#indexOf(through + 1)
    for (let i = first; i < end; i++) this.#release(this.#entries[i]!, released)
    if (first === this.#start) this.#dropHead(end)
    else if (end > first) this.#entries.splice(first, end - first)
  }

  /** @returns how many went */
  removeExpired(now: number, released: (payload: SharedPayload) => void): number {
    const kept: MemoryEntry[] = []
    const before = this.#entries.length - this.#start
    for (const entry of this.entries()) {
      if (entry.expiresAt === undefined || entry.expiresAt > now) kept.push(entry)
      else this.#release(entry, released)
    }
    if (kept.length === before) return 0
    this.#entries = kept
    this.#start = 0
    return before - kept.length
  }

  #release(entry: MemoryEntry, released: (payload: SharedPayload) => void): void {
    this.#bytes -= entry.payload.bytes.byteLength
    if (--entry.payload.references === 0) released(entry.payload)
  }

  #dropHead(end: number): void {
    this.#start = Math.max(this.#start, end)
    if (this.#start * 2 <= this.#entries.length) return
    this.#entries = this.#entries.slice(this.#start)
    this.#start = 0
  }

  /** Index of the first entry at or after a position. */
  #indexOf(position: Position): number {
    let low = this.#start
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.position < position) low = middle + 1
      else high = middle
    }
    return low
  }
}
