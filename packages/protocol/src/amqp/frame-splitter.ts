import { Refusal } from '../refusal.js'
import { AMQP_LIMITS } from './limits.js'

const HEADER_BYTES = 8
/** The first word of a protocol header, "AMQP": no frame within the limit can begin so. */
const HEADER_WORD = 0x414d5150
const NOTHING = Buffer.alloc(0)

/**
 * Cuts a byte stream into whole frames, and refuses one that claims more than its reader is willing to buffer. Keeps the
 * part of a frame that has come so far: at most one frame. Source: AMQP 1.0 part 2, sections 2.2 and 2.3.
 */
export class AmqpFrameSplitter {
  readonly #maxFrameSize: number
  #parts: Buffer[] = []
  #held = 0
  #wanted = 0
  #passed = 0

  constructor(maxFrameSize: number = AMQP_LIMITS.maxFrameSize) {
    this.#maxFrameSize = maxFrameSize
  }

  /**
   * Takes what has come, gives what is complete: protocol headers and frames in one piece, possibly none. After a refusal
   * the stream cannot be read on; its offset counts from the beginning of the stream.
   */
  push(chunk: Buffer): Buffer | Refusal {
    this.#parts.push(chunk)
    this.#held += chunk.byteLength
    if (this.#held < this.#wanted) return NOTHING
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#held)
    const end = this.#completeEnd(bytes)
    if (end instanceof Refusal) return end
    this.#held = bytes.byteLength - end
    this.#parts = this.#held === 0 ? [] : [bytes.subarray(end)]
    this.#passed += end
    return bytes.subarray(0, end)
  }

  #completeEnd(bytes: Buffer): number | Refusal {
    let end = 0
    this.#wanted = 0
    while (bytes.byteLength - end >= 4) {
      const word = bytes.readUInt32BE(end)
      const size = word === HEADER_WORD ? HEADER_BYTES : word
      if (size < HEADER_BYTES) return new Refusal('a frame is shorter than its own header', this.#passed + end)
      if (size > this.#maxFrameSize && word !== HEADER_WORD) {
        return new Refusal('a frame is larger than agreed', this.#passed + end)
      }
      if (bytes.byteLength - end < size) {
        this.#wanted = size
        break
      }
      end += size
    }
    return end
  }
}
