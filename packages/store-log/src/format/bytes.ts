/** Writes an unsigned integer below 2^53, seven bits a byte, the lowest first. @returns where it ends */
export function writeVarint(into: Uint8Array, value: number, at: number): number {
  let rest = value
  let end = at
  while (rest >= 0x8000_0000) {
    into[end++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest >= 128) {
    into[end++] = (rest & 127) | 128
    rest >>>= 7
  }
  into[end++] = rest
  return end
}

/** The most bytes that {@link writeVarint} needs. */
export const MAX_VARINT_BYTES = 8

/** Reads what was written one after another. Throws a `RangeError` at the first thing that cannot be. */
export class ByteReader {
  constructor(
    readonly bytes: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  get isDone(): boolean {
    return this.at >= this.end
  }

  byte(): number {
    if (this.at >= this.end) throw new RangeError('unexpected end')
    return this.bytes[this.at++]!
  }

  varint(): number {
    const first = this.byte()
    return first < 128 ? first : this.#longVarint(first)
  }

  /** A signed integer, its sign in the lowest bit. */
  signed(): number {
    const value = this.varint()
    const isSmall = value < 0x8000_0000
    if (isSmall) return (value >>> 1) ^ -(value & 1)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Skips so many bytes. @returns where they start */
  skip(length: number): number {
    if (length > this.end - this.at) throw new RangeError('unexpected end')
    const start = this.at
    this.at += length
    return start
  }

  #longVarint(first: number): number {
    let byte = first
    let value = first & 127
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = this.byte()
      value += (byte & 127) * scale
    }
    if (!Number.isSafeInteger(value)) throw new RangeError('number too large')
    return value
  }

  /** Text with its length before it. */
  text(): string {
    const length = this.varint()
    const start = this.skip(length)
    return this.bytes.toString('utf8', start, start + length)
  }
}

/** Gathers bytes in a buffer that grows; for files that are written whole. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(4_096)
  length = 0

  varint(value: number): this {
    this.#claim(MAX_VARINT_BYTES)
    this.length = writeVarint(this.#bytes, value, this.length)
    return this
  }

  signed(value: number): this {
    return this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  text(value: string): this {
    const bytes = Buffer.byteLength(value)
    this.varint(bytes).#claim(bytes)
    this.length += this.#bytes.write(value, this.length)
    return this
  }

  /** What was gathered; starts over. */
  take(): Buffer {
    const bytes = Buffer.from(this.#bytes.subarray(0, this.length))
    this.length = 0
    return bytes
  }

  #claim(bytes: number): void {
    if (this.length + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + bytes))
    this.#bytes.copy(larger, 0, 0, this.length)
    this.#bytes = larger
  }
}
