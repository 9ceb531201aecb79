import { ByteReader, ByteWriter } from './bytes.js'
import { decodeFileHeader, encodeFileHeader, FILE_HEADER_BYTES } from './file-header.js'
import { END, RECORD_HEADER_BYTES, RECORD_TARGET_BYTES, scanRecords, sealRecord } from './record.js'

/** A file made of records that is written whole; its parts lie one after another, none in two records. */
export class RecordFileWriter {
  readonly #chunks: Buffer[]
  readonly #writer = new ByteWriter()

  constructor(
    type: 'snapshot' | 'index',
    segment: number,
    readonly salt: number,
  ) {
    this.#chunks = [encodeFileHeader({ type, segment, salt })]
  }

  /** Begins a part. */
  part(code: number): ByteWriter {
    if (this.#writer.length >= RECORD_TARGET_BYTES) this.#close(0)
    return this.#writer.varint(code)
  }

  finish(): Buffer[] {
    this.#close(END)
    return this.#chunks
  }

  #close(flags: number): void {
    const body = this.#writer.take()
    const record = Buffer.concat([Buffer.alloc(RECORD_HEADER_BYTES), body])
    sealRecord(record, 0, record.length, flags, this.salt)
    this.#chunks.push(record)
  }
}

/** Whether a file of records is as it was written, to its end. */
export function isWholeFile(bytes: Buffer, type: 'snapshot' | 'index'): boolean {
  const header = decodeFileHeader(bytes, type)
  if (header === undefined) return false
  let isWhole = true
  let isEnded = false
  scanRecords(bytes, header.salt, FILE_HEADER_BYTES, {
    record(_at, _end, flags) {
      if (isEnded) isWhole = false
      isEnded = (flags & END) !== 0
    },
    gap() {
      isWhole = false
    },
  })
  return isWhole && isEnded
}

/**
 * Reads a file that {@link isWholeFile}, part by part.
 *
 * @throws `RangeError` at something that this version cannot read
 */
export function readParts(bytes: Buffer, salt: number, readPart: (reader: ByteReader) => void): void {
  scanRecords(bytes, salt, FILE_HEADER_BYTES, {
    record(at, end) {
      const reader = new ByteReader(bytes, at + RECORD_HEADER_BYTES, end)
      while (!reader.isDone) readPart(reader)
    },
    gap: () => undefined,
  })
}
