import { type Address, NOWHERE, type Payload } from './address.js'

/** Numbers an entry takes: position, address, payload, expiry. */
const STRIDE = 4

/** Entries of a chunk at most. */
export const CHUNK_CAPACITY = 1_024

/** Room that a chunk begins with: the first of a queue, which mostly stays short, and those that follow. */
export const FIRST_ROOM = 16
export const NEXT_ROOM = 256

/** A run of entries in order of position, as plain numbers: 32 bytes each, and none for the garbage collector. */
export class Chunk {
  #data: Float64Array
  /** Slots from `start` to before `end` are taken. */
  start = 0
  end = 0
  /** No entry here lies below this address or above the other. */
  lowest: Address = Number.POSITIVE_INFINITY
  highest: Address = 0
  /** No entry here expires before. */
  soonest = Number.POSITIVE_INFINITY
  /** No more entries than these wait to be told where they lie. */
  unplaced = 0

  constructor(room: number) {
    this.#data = new Float64Array(room * STRIDE)
  }

  get isFull(): boolean {
    return this.end === CHUNK_CAPACITY
  }

  get length(): number {
    return this.end - this.start
  }

  position(slot: number): number {
    return this.#data[slot * STRIDE]!
  }

  address(slot: number): Address {
    return this.#data[slot * STRIDE + 1]!
  }

  payload(slot: number): Payload {
    return this.#data[slot * STRIDE + 2]!
  }

  expiresAt(slot: number): number {
    return this.#data[slot * STRIDE + 3]!
  }

  get first(): number {
    return this.position(this.start)
  }

  get last(): number {
    return this.position(this.end - 1)
  }

  push(position: number, address: Address, payload: Payload, expiresAt: number): void {
    if (this.end * STRIDE === this.#data.length) this.#makeRoom()
    const at = this.end++ * STRIDE
    this.#data[at] = position
    this.#place(at, address, payload, expiresAt)
  }

  /** Takes as many entries as there is room for, whose places are told later. @returns how many */
  expect(first: number, count: number): number {
    if (this.end * STRIDE === this.#data.length) this.#makeRoom()
    const taken = Math.min(count, this.#data.length / STRIDE - this.end)
    for (let i = 0, at = this.end * STRIDE; i < taken; i++, at += STRIDE) {
      this.#data[at] = first + i
      this.#data[at + 1] = NOWHERE
      this.#data[at + 2] = 0
      this.#data[at + 3] = Number.POSITIVE_INFINITY
    }
    this.end += taken
    this.unplaced += taken
    return taken
  }

  /** Says where an entry lies now. */
  relocate(slot: number, address: Address, payload: Payload, expiresAt: number): void {
    const at = slot * STRIDE
    if (this.#data[at + 1] === NOWHERE) this.unplaced--
    this.#place(at, address, payload, expiresAt)
  }

  /** The first slot whose position is not below this one. */
  slotAt(position: number): number {
    let low = this.start
    let high = this.end
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.position(middle) < position) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Takes slots out. */
  cut(from: number, to: number): void {
    if (from === this.start) this.start = to
    else {
      this.#data.copyWithin(from * STRIDE, to * STRIDE, this.end * STRIDE)
      this.end -= to - from
    }
  }

  /** Makes the bounds of addresses and expiry exact again: taking out and relocating leave them loose. */
  tighten(): void {
    this.lowest = Number.POSITIVE_INFINITY
    this.highest = 0
    this.soonest = Number.POSITIVE_INFINITY
    for (let slot = this.start; slot < this.end; slot++) this.#widen(this.address(slot), this.expiresAt(slot))
  }

  #makeRoom(): void {
    if (this.start * 2 >= this.end) {
      this.#data.copyWithin(0, this.start * STRIDE, this.end * STRIDE)
      this.end -= this.start
      this.start = 0
    } else {
      const larger = new Float64Array(Math.min(this.#data.length * 4, CHUNK_CAPACITY * STRIDE))
      larger.set(this.#data)
      this.#data = larger
    }
  }

  #place(at: number, address: Address, payload: Payload, expiresAt: number): void {
    this.#data[at + 1] = address
    this.#data[at + 2] = payload
    this.#data[at + 3] = expiresAt
    this.#widen(address, expiresAt)
  }

  #widen(address: Address, expiresAt: number): void {
    if (address < this.lowest) this.lowest = address
    if (address > this.highest) this.highest = address
    if (expiresAt < this.soonest) this.soonest = expiresAt
  }
}
