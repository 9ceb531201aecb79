import { Refusal } from '../refusal.js'
import { AMQP_LIMITS } from './limits.js'
import { AmqpWriter } from './writer.js'

/** The message format of a transfer whose data sections each hold a whole encoded message. */
export const AMQP_BATCH_FORMAT = 0x80013700

const DATA_SECTION = 0x75

/** Several encoded messages as one, for a transfer in {@link AMQP_BATCH_FORMAT}. */
export function encodeAmqpBatch(messages: readonly Uint8Array[]): Buffer {
  const writer = new AmqpWriter(messages.reduce((size, message) => size + message.byteLength + 8, 0))
  for (const message of messages) {
    writer.descriptor(DATA_SECTION)
    writer.binary(message)
  }
  return writer.finish()
}

/** The encoded messages of a batch, as views of the bytes given. Sections other than data are passed over. */
export function decodeAmqpBatch(batch: Uint8Array): readonly Uint8Array[] | Refusal {
  if (batch.byteLength > AMQP_LIMITS.maxBatchSize)
    return new Refusal('the batch is too large', AMQP_LIMITS.maxBatchSize)
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)
  const messages: Uint8Array[] = []
  let offset = 0
  while (offset < bytes.length) {
    const section = readDescriptor(bytes, offset)
    if (section instanceof Refusal) return section
    const extent = readExtent(bytes, section.end)
    if (extent instanceof Refusal) return extent
    if (section.code === DATA_SECTION) {
      if (!extent.isBinary) return new Refusal('a data section holds something else than binary', section.end)
      messages.push(bytes.subarray(extent.start, extent.end))
    }
    offset = extent.end
  }
  return messages
}

/** A described type's descriptor: `00 53 code`, or `00 80` with eight bytes. */
function readDescriptor(bytes: Buffer, at: number): { readonly code: number; readonly end: number } | Refusal {
  if (bytes[at] === 0x00 && bytes[at + 1] === 0x53 && at + 3 <= bytes.length)
    return { code: bytes[at + 2]!, end: at + 3 }
  if (bytes[at] === 0x00 && bytes[at + 1] === 0x80 && at + 10 <= bytes.length) {
    return { code: bytes.readUInt32BE(at + 2) === 0 ? bytes.readUInt32BE(at + 6) : -1, end: at + 10 }
  }
  return new Refusal('a section does not begin with its descriptor', at)
}

interface Extent {
  readonly isBinary: boolean
  readonly start: number
  readonly end: number
}

/** Where a value lies, from the width that its constructor gives. Source: AMQP 1.0 part 1, section 1.2.2. */
function readExtent(bytes: Buffer, at: number): Extent | Refusal {
  const code = bytes[at]
  if (code === undefined) return new Refusal('a section ends before its value', at)
  const kind = code >> 4
  const sizeBytes = kind < 0xa ? 0 : (kind & 1) === 0 ? 1 : 4
  const start = at + 1 + sizeBytes
  if (start > bytes.length || kind < 4) return new Refusal('a value cannot be measured', at)
  const size = kind < 0xa ? FIXED_WIDTHS[kind - 4]! : sizeBytes === 1 ? bytes[at + 1]! : bytes.readUInt32BE(at + 1)
  if (size > bytes.length - start) return new Refusal('a value reaches beyond the end', at)
  return { isBinary: code === 0xa0 || code === 0xb0, start, end: start + size }
}

/** Bytes of a value whose constructor begins with 4 to 9. */
const FIXED_WIDTHS = [0, 1, 2, 4, 8, 16] as const
