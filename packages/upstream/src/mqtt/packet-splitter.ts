import { Refusal } from '@edgewright/protocol'

/** The most that one packet from the hub may hold, in bytes: a message of 256 KiB with its topic. */
export const MAX_PACKET_BYTES = 262_144 + 65_536

const NOTHING = Buffer.alloc(0)

/**
 * Cuts a byte stream into whole MQTT packets, and refuses one that claims more than its reader is willing to buffer.
 * Keeps the part of a packet that has come so far. Source: MQTT 3.1.1, section 2.2.3.
 */
export class MqttPacketSplitter {
  #parts: Buffer[] = []
  #held = 0
  #wanted = 0
  #passed = 0

  /** Takes what has come, gives what is complete: packets in one piece, possibly none. */
  push(chunk: Buffer): Buffer | Refusal {
    this.#parts.push(chunk)
    this.#held += chunk.byteLength
    if (this.#held < this.#wanted) return NOTHING
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#held)
    let end = 0
    this.#wanted = 0
    while (end < bytes.byteLength) {
      const size = packetSize(bytes, end)
      if (size === undefined) break
      if (size > MAX_PACKET_BYTES) return new Refusal('a packet is larger than can be', this.#passed + end)
      if (end + size > bytes.byteLength) {
        this.#wanted = size
        break
      }
      end += size
    }
    this.#held = bytes.byteLength - end
    this.#parts = this.#held === 0 ? [] : [bytes.subarray(end)]
    this.#passed += end
    return bytes.subarray(0, end)
  }
}

/** The whole size of the packet that begins at an offset; infinite when its length is malformed, undefined when cut. */
function packetSize(bytes: Buffer, at: number): number | undefined {
  let length = 0
  for (let digit = 0; digit < 4; digit++) {
    const byte = bytes[at + 1 + digit]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 128 ** digit
    if (byte < 0x80) return 2 + digit + length
  }
  return Number.POSITIVE_INFINITY
}
