/** The types of AMQP 1.0 that plain JavaScript values cannot tell apart. Source: AMQP 1.0 part 1, section 1.6. */
export type AmqpTypeName = 'ubyte' | 'uint' | 'ulong' | 'int' | 'long' | 'timestamp' | 'symbol' | 'uuid'

/** A value with its type on the wire, for peers that read by exact type. */
export class AmqpTyped {
  constructor(
    readonly type: AmqpTypeName,
    readonly value: number | bigint | string | Uint8Array,
  ) {}
}

/** 0 to 255. */
export function ubyte(value: number): AmqpTyped {
  return new AmqpTyped('ubyte', value)
}

/** 0 to 2⁶⁴ − 1. */
export function ulong(value: number | bigint): AmqpTyped {
  return new AmqpTyped('ulong', value)
}

/** −2⁶³ to 2⁶³ − 1. */
export function long(value: number | bigint): AmqpTyped {
  return new AmqpTyped('long', value)
}

/** Milliseconds since 1970. */
export function timestamp(value: number): AmqpTyped {
  return new AmqpTyped('timestamp', value)
}

/** ASCII. */
export function symbol(value: string): AmqpTyped {
  return new AmqpTyped('symbol', value)
}

/** A UUID as 16 bytes. */
export function uuid(value: Uint8Array): AmqpTyped {
  return new AmqpTyped('uuid', value)
}

/**
 * What can be written. Text becomes a string, a whole number an int (a long beyond 32 bits), another a double, bytes a
 * binary, a `Date` a timestamp, an array a list and an object a map with string keys.
 */
export type AmqpValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | AmqpTyped
  | readonly AmqpValue[]
  | { readonly [key: string]: AmqpValue }

/** An id as AMQP has it: text, a number, or 16 bytes of a UUID. */
export type AmqpId = string | number | bigint | Uint8Array
