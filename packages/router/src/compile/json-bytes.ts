import { EXACT_DIGITS, POWERS_OF_TEN } from './parse-number.js'

/** The position of the first byte from here on that is no blank of JSON. */
export function skipBlanks(bytes: Uint8Array, from: number): number {
  const { length } = bytes
  for (let at = from; at < length; at++) {
    const byte = bytes[at]!
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at
  }
  return length
}

/**
 * The position behind the string that begins with a quote at `start`: negative when there are escapes in it, 0 when it
 * is none. Bytes beyond ASCII may be anything: decoding replaces what is no UTF-8, and never an ASCII byte.
 */
export function endOfString(bytes: Uint8Array, start: number): number {
  const { length } = bytes
  for (let at = start + 1; at < length; at++) {
    const byte = bytes[at]!
    if (byte < 0x23 && byte !== 0x20 && byte !== 0x21) return byte === 0x22 ? at + 1 : 0
    if (byte === 0x5c) return endOfEscapedString(bytes, at)
  }
  return 0
}

function endOfEscapedString(bytes: Uint8Array, firstEscape: number): number {
  let at = firstEscape
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte === 0x22) return -(at + 1)
    if (byte < 0x20) return 0
    const length = byte === 0x5c ? escapeLength(bytes, at) : 1
    if (length === 0) return 0
    at += length
  }
  return 0
}

/** `"`, `\`, `/`, `b`, `f`, `n`, `r`, `t` */
const SHORT_ESCAPES: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\/bfnrt'))

function escapeLength(bytes: Uint8Array, at: number): number {
  if (SHORT_ESCAPES.has(bytes[at + 1])) return 2
  if (bytes[at + 1] !== 0x75) return 0
  for (let digit = at + 2; digit < at + 6; digit++) if (!isHexDigit(bytes[digit])) return 0
  return 6
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const letter = byte | 0x20
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

const WORDS: ReadonlyMap<number | undefined, Uint8Array> = new Map(
  ['true', 'false', 'null'].map(word => [word.charCodeAt(0), Buffer.from(word)]),
)

/** The position behind the number or word that begins at `start`, 0 when there is none. */
export function endOfScalar(bytes: Uint8Array, start: number): number {
  const word = bytes[start]! > 0x60 ? WORDS.get(bytes[start]) : undefined
  if (word === undefined) return endOfNumber(bytes, start)
  for (let index = 1; index < word.length; index++) if (bytes[start + index] !== word[index]) return 0
  return start + word.length
}

function endOfNumber(bytes: Uint8Array, start: number): number {
  const whole = bytes[start] === 0x2d ? start + 1 : start
  let at = bytes[whole] === 0x30 ? whole + 1 : endOfDigits(bytes, whole)
  if (at > whole && bytes[at] === 0x2e) at = endOfFraction(bytes, at + 1)
  if (at > whole && at < bytes.length && (bytes[at]! | 0x20) === 0x65) at = endOfExponent(bytes, at + 1)
  return at > whole ? at : 0
}

function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && isDigit(bytes[at]!)) at++
  return at
}

function endOfFraction(bytes: Uint8Array, start: number): number {
  const end = endOfDigits(bytes, start)
  return end > start ? end : 0
}

function endOfExponent(bytes: Uint8Array, start: number): number {
  const signed = bytes[start] === 0x2b || bytes[start] === 0x2d
  return endOfFraction(bytes, signed ? start + 1 : start)
}

/** The text in a stretch of bytes; what is no UTF-8 becomes U+FFFD. */
export function textIn(bytes: Uint8Array, start: number, end: number): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('utf8', start, end)
}

/** The number in a stretch of bytes that holds one. */
export function numberIn(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] === 0x2d ? start + 1 : start
  const limit = Math.min(end, first + EXACT_DIGITS + 2)
  let value = 0
  let decimals = 0
  for (let at = first; at < limit; at++) {
    const byte = bytes[at]!
    if (isDigit(byte)) value = value * 10 + (byte - 0x30)
    else if (byte === 0x2e) decimals = end - at - 1
    else return Number(textIn(bytes, start, end))
  }
  if (end - first - (decimals > 0 ? 1 : 0) > EXACT_DIGITS) return Number(textIn(bytes, start, end))
  if (decimals > 0) value /= POWERS_OF_TEN[decimals]!
  return first > start ? -value : value
}
