import { crc32 } from 'node:zlib'
import { MAX_PAYLOAD_BYTES } from '@edgewright/core'

/** First byte of every record. */
const MARK = 0xed

/** Set on the first record of a group: all before it was durable when it was written. */
export const FENCE = 0x01

/** Set on the last record of a change. */
export const END = 0x02

export const RECORD_HEADER_BYTES = 12

/** A record is closed when its body has reached this: what a damaged byte can take with it, and the least that is read. */
export const RECORD_TARGET_BYTES = 16_384

/** One item may make a record longer: the longest payload, with room for all that refers to it. */
export const MAX_RECORD_BYTES = MAX_PAYLOAD_BYTES + 1_048_576

/**
 * Writes the header of a record whose body stands already, from `at` + {@link RECORD_HEADER_BYTES} to `end`.
 * Layout: mark (1), flags (1), check of flags and length (2), length of the body (4), CRC-32 of the body (4).
 */
export function sealRecord(bytes: Buffer, at: number, end: number, flags: number, salt: number): void {
  const body = at + RECORD_HEADER_BYTES
  const length = end - body
  bytes[at] = MARK
  bytes[at + 1] = flags
  bytes.writeUInt16LE(headerCheck(flags, length, salt), at + 2)
  bytes.writeUInt32LE(length, at + 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(body, end), salt), at + 8)
}

/** Where a record ends that starts here with an intact header; 0 when none does. The body may be damaged. */
export function recordEnd(bytes: Buffer, at: number, salt: number): number {
  if (bytes[at] !== MARK || at + RECORD_HEADER_BYTES > bytes.length) return 0
  const length = bytes.readUInt32LE(at + 4)
  if (length > MAX_RECORD_BYTES || bytes.readUInt16LE(at + 2) !== headerCheck(bytes[at + 1]!, length, salt)) return 0
  return at + RECORD_HEADER_BYTES + length
}

/** Whether the body is as it was written. */
export function isIntact(bytes: Buffer, at: number, end: number, salt: number): boolean {
  if (end > bytes.length) return false
  return bytes.readUInt32LE(at + 8) === crc32(bytes.subarray(at + RECORD_HEADER_BYTES, end), salt)
}

/** The flags of a record: {@link FENCE}, {@link END}. */
export function recordFlags(bytes: Buffer, at: number): number {
  return bytes[at + 1]!
}

/**
 * Tells a length that can be believed from one that is damaged, and from one that somebody put into a payload: they do
 * not know the salt. Upper half of a product with an odd constant.
 */
function headerCheck(flags: number, length: number, salt: number): number {
  return Math.imul(length ^ (flags << 24) ^ salt, 0x9e37_79b1) >>> 16
}

/** What {@link scanRecords} finds, in order. */
export interface RecordVisitor {
  record(at: number, end: number, flags: number): void
  /** Bytes that are no intact record. They may have been several. */
  gap(from: number, to: number): void
}

/** Walks over all records; where one is damaged it goes on with the next that is not. */
export function scanRecords(bytes: Buffer, salt: number, from: number, visitor: RecordVisitor): void {
  let at = from
  while (at < bytes.length) {
    const end = intactEnd(bytes, at, salt)
    if (end !== 0) {
      visitor.record(at, end, recordFlags(bytes, at))
      at = end
    } else {
      const next = nextRecord(bytes, at, salt)
      visitor.gap(at, next)
      at = next
    }
  }
}

function intactEnd(bytes: Buffer, at: number, salt: number): number {
  const end = recordEnd(bytes, at, salt)
  return end !== 0 && isIntact(bytes, at, end, salt) ? end : 0
}

/** Where the header says, when a record stands there; else wherever one is found. */
function nextRecord(bytes: Buffer, damaged: number, salt: number): number {
  const end = recordEnd(bytes, damaged, salt)
  if (end !== 0 && intactEnd(bytes, end, salt) !== 0) return end
  for (let at = bytes.indexOf(MARK, damaged + 1); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    if (intactEnd(bytes, at, salt) !== 0) return at
  }
  return bytes.length
}
