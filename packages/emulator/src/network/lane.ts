import type { Clock, Timer } from '@edgewright/core'

/** What happens to the bytes of one direction. */
export interface LaneShape {
  /** Nothing passes. */
  readonly isSilent: boolean
  /** Milliseconds that each chunk takes longer. */
  readonly delay: () => number
  /** No more than this passes; infinite: as fast as it comes. */
  readonly bytesPerSecond: number
}

interface Waiting {
  readonly chunk: Uint8Array
  /** Milliseconds of the monotonic clock. */
  readonly due: number
}

/** One direction of a connection, which can be held, delayed and slowed down. Order is always kept. */
export class Lane {
  readonly #clock: Clock
  readonly #deliver: (chunk: Uint8Array) => void
  #shape: LaneShape | undefined
  #queue: Waiting[] = []
  #timer: Timer | undefined
  /** When the last chunk that was let in will be through. */
  #free = 0
  #held = 0

  constructor(clock: Clock, deliver: (chunk: Uint8Array) => void) {
    this.#clock = clock
    this.#deliver = deliver
  }

  /** Bytes that wait. */
  get held(): number {
    return this.#held
  }

  /** Changes what happens from now on, also to what waits; undefined lets everything pass. */
  shape(shape: LaneShape | undefined): void {
    this.#shape = shape
    this.#schedule()
  }

  push(chunk: Uint8Array): void {
    if (this.#shape === undefined && this.#queue.length === 0) {
      this.#deliver(chunk)
      return
    }
    const now = this.#clock.monotonic()
    const { delay, bytesPerSecond } = this.#shape ?? { delay: () => 0, bytesPerSecond: Number.POSITIVE_INFINITY }
    this.#free = Math.max(this.#free, now + delay()) + (chunk.byteLength / bytesPerSecond) * 1_000
    this.#queue.push({ chunk, due: this.#free })
    this.#held += chunk.byteLength
    this.#schedule()
  }

  /** Forgets what waits. */
  clear(): void {
    this.#timer?.cancel()
    this.#queue = []
    this.#held = 0
  }

  #schedule(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#shape?.isSilent === true) return
    const now = this.#clock.monotonic()
    // Lifted faults do not make what waits wait any longer.
    while (this.#queue.length > 0 && (this.#shape === undefined || (this.#queue[0] as Waiting).due <= now)) {
      const { chunk } = this.#queue.shift() as Waiting
      this.#held -= chunk.byteLength
      this.#deliver(chunk)
    }
    const next = this.#queue[0]
    if (next !== undefined) this.#timer = this.#clock.after(next.due - now, () => this.#schedule())
  }
}
