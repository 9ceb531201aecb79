/** What {@link PacketCutter.next} found. */
export type Cut =
  /** A whole packet: `first`, `start` and `end` say where. */
  | 'packet'
  /** Not yet a whole packet. */
  | 'incomplete'
  /** A packet longer than the limit; nothing of it is kept. */
  | 'too-long'
  /** A remaining length of more than four bytes [MQTT-2.2.3]. */
  | 'malformed'

/**
 * Cuts a stream of bytes into MQTT packets. The length is judged on the fixed header, before anything is buffered, and
 * what is held is at most twice what has come.
 *
 * Packets are views of the bytes as they came, never copied again: nothing handed out is overwritten later.
 */
export class PacketCutter {
  /** The bytes that `start` and `end` point into. */
  bytes: Buffer = NOTHING
  /** First byte of the current packet: type and flags. */
  first = 0
  /** Where the current packet's variable header begins. */
  start = 0
  /** Where the current packet ends. */
  end = 0

  /** The most bytes of a packet, fixed header included. */
  limit: number
  #filled = 0
  #at = 0
  #begin = 0
  #growable = false

  constructor(limit: number) {
    this.limit = limit
  }

  /** Whether nothing waits to be cut. */
  get isEmpty(): boolean {
    return this.#at === this.#filled
  }

  /** Adds what came. To be called only after {@link next} has found nothing more. */
  append(chunk: Buffer): void {
    const left = this.#filled - this.#at
    if (left === 0) {
      this.bytes = chunk
      this.#filled = chunk.length
      this.#at = 0
      this.#growable = false
      return
    }
    const wanted = left + chunk.length
    // Only a buffer out of which nothing was cut may be added to.
    if (!this.#growable || this.#at > 0 || wanted > this.bytes.length) this.#move(left, wanted)
    chunk.copy(this.bytes, this.#filled)
    this.#filled = wanted
  }

  /** The current packet, fixed header included. */
  packet(): Buffer {
    return this.bytes.subarray(this.#begin, this.end)
  }

  /** Moves on to the next packet. */
  next(): Cut {
    const at = this.#at
    const available = this.#filled - at
    let length = 0
    let header = 1
    for (let shift = 1; ; shift *= 128) {
      if (header >= available) return this.#incomplete(available)
      const byte = this.bytes[at + header]!
      header += 1
      length += (byte & 0x7f) * shift
      if (byte < 0x80) break
      if (header > MAX_FIXED_HEADER) return 'malformed'
    }
    if (header + length > this.limit) return 'too-long'
    if (header + length > available) return 'incomplete'
    this.first = this.bytes[at]!
    this.#begin = at
    this.start = at + header
    this.end = this.#at = this.start + length
    return 'packet'
  }

  #incomplete(available: number): Cut {
    // An idle connection keeps no buffer alive.
    if (available === 0) this.bytes = NOTHING
    return 'incomplete'
  }

  #move(left: number, wanted: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(2 * wanted, this.limit)))
    this.bytes.copy(grown, 0, this.#at, this.#filled)
    this.bytes = grown
    this.#filled = left
    this.#at = 0
    this.#growable = true
  }
}

const NOTHING = Buffer.alloc(0)
const MAX_FIXED_HEADER = 4
