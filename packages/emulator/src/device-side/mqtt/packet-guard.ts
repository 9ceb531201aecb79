import { MAX_MESSAGE_BYTES } from '@edgewright/core'
import type { Line } from '../../network/line.js'

/** The largest packet that is gathered: a message of the largest weight with the longest topic. */
export const MAX_PACKET_BYTES = MAX_MESSAGE_BYTES + 65_535 + 16

const CONTINUES = 0x80
const LONGEST_LENGTH = 4

/**
 * Drops a connection whose next packet says it is larger than it may be, before anything of it is gathered: the packet
 * library would buffer up to 256 MiB on the client's word.
 */
export function guardPackets(line: Line): void {
  /** Bytes of the current packet that are still to come, once its length is known. */
  let skip = 0
  let length = 0
  /** Bytes of the remaining length seen; -1 before the packet's first byte. */
  let digits = -1
  line.prependListener('data', chunk => {
    for (let offset = 0; offset < chunk.length; ) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - offset)
        skip -= step
        offset += step
        continue
      }
      const byte = chunk[offset++] as number
      if (digits < 0) {
        digits = length = 0
        continue
      }
      length += (byte & ~CONTINUES) * 2 ** (7 * digits)
      digits += 1
      if ((byte & CONTINUES) !== 0 && digits < LONGEST_LENGTH) continue
      if (length > MAX_PACKET_BYTES || (byte & CONTINUES) !== 0) {
        line.destroy()
        return
      }
      skip = length
      digits = -1
    }
  })
}
