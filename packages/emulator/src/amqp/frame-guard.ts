import type { Line } from '../network/line.js'

const HEADER_BYTES = 8

/**
 * Drops a connection whose next frame claims to be larger than it may, before anything of it is gathered: the AMQP
 * library would buffer up to 4 GiB on the peer's word.
 */
export function guardFrames(line: Line, maxFrameBytes: number): void {
  const size = Buffer.alloc(4)
  /** Bytes to pass over before the next frame's size; protocol headers count as frames of eight. */
  let skip = 0
  let gathered = 0
  line.prependListener('data', chunk => {
    let offset = 0
    while (offset < chunk.length) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - offset)
        skip -= step
        offset += step
        continue
      }
      size[gathered++] = chunk[offset++] as number
      if (gathered < size.length) continue
      gathered = 0
      const isProtocolHeader = size.toString('latin1') === 'AMQP'
      const length = isProtocolHeader ? HEADER_BYTES : size.readUInt32BE()
      if (length < HEADER_BYTES || length > maxFrameBytes) {
        line.destroy()
        return
      }
      skip = length - size.length
    }
  })
}
