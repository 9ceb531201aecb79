import { crc32 } from 'node:zlib'

/** First bytes of every file of the store. */
const MAGIC = Buffer.from('EDGEWRLG', 'latin1')

/** The version that is written. A reader knows this one and every one before it. */
export const FORMAT_VERSION = 1

export const FILE_HEADER_BYTES = 32

/** What a file holds. */
export type FileType = 'segment' | 'index' | 'snapshot'

const TYPE_CODES: Readonly<Record<FileType, number>> = Object.freeze({ segment: 1, index: 2, snapshot: 3 })

/** What a file says of itself. */
export interface FileHeader {
  readonly type: FileType
  readonly version: number
  /** Segment that the file is, or belongs to, or stands before. */
  readonly segment: number
  /** Where every checksum in the file starts from: what was left over of another file never passes. */
  readonly salt: number
}

/** Layout: magic (8), type (1), version (1), zero (2), salt (4), segment (6), zero (6), CRC-32 of all that (4). */
export function encodeFileHeader({ type, segment, salt }: Omit<FileHeader, 'version'>): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  MAGIC.copy(header)
  header.writeUInt8(TYPE_CODES[type], 8)
  header.writeUInt8(FORMAT_VERSION, 9)
  header.writeUInt32LE(salt, 12)
  header.writeUIntLE(segment, 16, 6)
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28)
  return header
}

/** @returns undefined when this is no intact header of the type */
export function decodeFileHeader(bytes: Buffer, type: FileType): FileHeader | undefined {
  const isIntact =
    bytes.length >= FILE_HEADER_BYTES &&
    bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    bytes.readUInt32LE(28) === crc32(bytes.subarray(0, 28)) &&
    bytes.readUInt8(8) === TYPE_CODES[type]
  if (!isIntact) return undefined
  return { type, version: bytes.readUInt8(9), salt: bytes.readUInt32LE(12), segment: bytes.readUIntLE(16, 6) }
}
