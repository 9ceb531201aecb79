import { AmqpTyped, type AmqpValue } from './value.js'

const INITIAL_BYTES = 512
const INT32 = 2_147_483_648
const encoder = new TextEncoder()

/** Writes values in the encoding of AMQP 1.0 part 1, section 1.6, each in its shortest form. */
export class AmqpWriter {
  #buffer: Buffer
  #position = 0

  constructor(capacity: number = INITIAL_BYTES) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  /** What was written so far; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#position)
  }

  /** The descriptor of a described value, as a small ulong. */
  descriptor(code: number): void {
    this.#reserve(3)
    this.#buffer[this.#position++] = 0x00
    this.#buffer[this.#position++] = 0x53
    this.#buffer[this.#position++] = code
  }

  value(value: AmqpValue | undefined): void {
    if (typeof value === 'string') this.text(value)
    else if (value === undefined || value === null) this.#code(0x40)
    else if (typeof value === 'boolean') this.#code(value ? 0x41 : 0x42)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#wide(0x81, value)
    else if (value instanceof Uint8Array) this.binary(value)
    else if (value instanceof Date) this.#wide(0x83, value.getTime())
    else if (value instanceof AmqpTyped) this.#typed(value)
    else if (isList(value)) this.list(value)
    else this.map(value)
  }

  text(value: string): void {
    this.#string(value, 0xa1, 0xb1)
  }

  symbol(value: string): void {
    this.#string(value, 0xa3, 0xb3)
  }

  binary(value: Uint8Array): void {
    this.#sized(value.byteLength, 0xa0, 0xb0)
    this.#buffer.set(value, this.#position)
    this.#position += value.byteLength
  }

  /** The fields of a composite type: a list whose missing end is left out. Source: AMQP 1.0 part 1, section 1.4. */
  composite(fields: readonly (AmqpValue | undefined)[]): void {
    this.list(fields.slice(0, fields.findLastIndex(field => field !== undefined) + 1))
  }

  list(values: readonly (AmqpValue | undefined)[]): void {
    this.#compound(0xd0, values.length, () => {
      for (const value of values) this.value(value)
    })
  }

  /** A map; keys are strings, or symbols as annotations have them. */
  map(entries: { readonly [key: string]: AmqpValue | undefined }, keys: 'text' | 'symbol' = 'text'): void {
    const present = Object.entries(entries).filter(([, value]) => value !== undefined)
    this.#compound(0xd1, present.length * 2, () => {
      for (const [key, value] of present) {
        if (keys === 'text') this.text(key)
        else this.symbol(key)
        this.value(value)
      }
    })
  }

  #compound(code: number, count: number, body: () => void): void {
    this.#reserve(9)
    this.#buffer[this.#position] = code
    const start = this.#position + 1
    this.#buffer.writeUInt32BE(count, start + 4)
    this.#position += 9
    body()
    this.#buffer.writeUInt32BE(this.#position - start - 4, start)
  }

  #typed({ type, value }: AmqpTyped): void {
    if (type === 'symbol') this.symbol(String(value))
    else if (type === 'uuid') this.#uuid(value as Uint8Array)
    else if (type === 'ubyte') this.#narrow(0x50, Number(value))
    else if (type === 'uint') this.#word(0x70, Number(value))
    else if (type === 'int') this.#word(0x71, Number(value) >>> 0)
    else if (type === 'ulong') this.#wide(0x80, value as number | bigint)
    else if (type === 'long') this.#wide(0x81, value as number | bigint)
    else this.#wide(0x83, value as number | bigint)
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) this.#double(value)
    else if (value >= -128 && value < 128) this.#narrow(0x54, value & 0xff)
    else if (value >= -INT32 && value < INT32) this.#word(0x71, value >>> 0)
    else this.#wide(0x81, value)
  }

  #string(value: string, short: number, wide: number): void {
    const size = Buffer.byteLength(value, 'utf8')
    this.#sized(size, short, wide)
    encoder.encodeInto(value, this.#buffer.subarray(this.#position))
    this.#position += size
  }

  #sized(size: number, short: number, wide: number): void {
    this.#reserve(size + 5)
    if (size < 256) {
      this.#buffer[this.#position++] = short
      this.#buffer[this.#position++] = size
    } else {
      this.#buffer[this.#position++] = wide
      this.#position = this.#buffer.writeUInt32BE(size, this.#position)
    }
  }

  #uuid(value: Uint8Array): void {
    if (value.byteLength !== 16) throw new TypeError('a UUID has 16 bytes')
    this.#reserve(17)
    this.#buffer[this.#position++] = 0x98
    this.#buffer.set(value, this.#position)
    this.#position += 16
  }

  #code(code: number): void {
    this.#reserve(1)
    this.#buffer[this.#position++] = code
  }

  #narrow(code: number, value: number): void {
    this.#reserve(2)
    this.#buffer[this.#position++] = code
    this.#buffer[this.#position++] = value
  }

  #word(code: number, value: number): void {
    this.#reserve(5)
    this.#buffer[this.#position++] = code
    this.#position = this.#buffer.writeUInt32BE(value, this.#position)
  }

  #wide(code: number, value: number | bigint): void {
    this.#reserve(9)
    this.#buffer[this.#position++] = code
    this.#position = this.#buffer.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)), this.#position)
  }

  #double(value: number): void {
    this.#reserve(9)
    this.#buffer[this.#position++] = 0x82
    this.#position = this.#buffer.writeDoubleBE(value, this.#position)
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes
    if (needed <= this.#buffer.byteLength) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.byteLength * 2))
    this.#buffer.copy(larger, 0, 0, this.#position)
    this.#buffer = larger
  }
}

function isList(value: readonly AmqpValue[] | { readonly [key: string]: AmqpValue }): value is readonly AmqpValue[] {
  return Array.isArray(value)
}
