import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '@edgewright/core'

/** How much may wait for a client, and for how long. */
export interface OutletLimits {
  /** Bytes that may wait to be taken. */
  readonly maxBufferedBytes: number
  /** Milliseconds for which a client may take nothing. */
  readonly stallTimeout: number
}

/**
 * The way out to one client. A client that does not take what it is given is reported once that has cost too much memory
 * or time.
 */
export class Outlet {
  readonly #stream: Duplex
  readonly #clock: Clock
  readonly #limits: OutletLimits
  readonly #onStall: () => void
  #given = 0
  #watch: Timer | undefined

  constructor(stream: Duplex, clock: Clock, limits: OutletLimits, onStall: () => void) {
    this.#stream = stream
    this.#clock = clock
    this.#limits = limits
    this.#onStall = onStall
  }

  /** Whether more should wait until the stream has drained. */
  get isCongested(): boolean {
    return this.#stream.writableNeedDrain
  }

  write(bytes: Buffer): void {
    if (this.#stream.writableLength > this.#limits.maxBufferedBytes) this.#onStall()
    else if (this.#stream.writable) {
      this.#given += bytes.length
      if (!this.#stream.write(bytes)) this.#watch ??= this.#check(this.#given - this.#stream.writableLength)
    }
  }

  /** Writes the last bytes and ends the connection, whether the client takes them or not. */
  end(last?: Buffer): void {
    this.#watch?.cancel()
    if (this.#stream.destroyed) return
    const destroy = () => void this.#stream.destroy()
    const deadline = this.#clock.after(GOODBYE, destroy)
    this.#stream.once('close', () => deadline.cancel())
    if (last !== undefined && this.#stream.writable) this.#stream.write(last)
    this.#stream.end(destroy)
  }

  /** Stops watching: the stream is gone. */
  close(): void {
    this.#watch?.cancel()
  }

  #check(taken: number): Timer {
    return this.#clock.after(this.#limits.stallTimeout, () => {
      this.#watch = undefined
      if (!this.isCongested) return
      const takenNow = this.#given - this.#stream.writableLength
      if (takenNow === taken) this.#onStall()
      else this.#watch = this.#check(takenNow)
    })
  }
}

/** Milliseconds in which a client may take the last bytes. */
const GOODBYE = 5_000
