import { indexOf } from './search.js'

/** A text, null for a property that came without value, undefined. */
export type Text = string | null | undefined

/** Functions of one number. NaN stands for undefined on both sides. */
export const NUMBER_FUNCTIONS = {
  abs: Math.abs,
  ceiling: Math.ceil,
  exp: Math.exp,
  floor: Math.floor,
  sign: Math.sign,
  sqrt: Math.sqrt,
  square: (x: number) => x * x,
} as const satisfies Record<string, (x: number) => number>

/** `x` to the power of `y`; undefined when either is. */
export function power(x: number, y: number): number {
  return Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : x ** y
}

/** Tests of two texts. */
export const TEXT_TESTS = {
  starts_with: (text: string, part: string) => text.startsWith(part),
  ends_with: (text: string, part: string) => text.endsWith(part),
  contains: (text: string, part: string) => indexOf(text, part) >= 0,
} as const satisfies Record<string, (text: string, part: string) => boolean>

/** The part of a text from `start`, of `length` or to the end; undefined when it does not lie within. */
export function substring(text: string, start: number, length?: number): string | undefined {
  const from = Math.trunc(start)
  if (length === undefined) return from >= 0 && from <= text.length ? text.slice(from) : undefined
  const to = from + Math.trunc(length)
  return from >= 0 && from < text.length && to >= from && to <= text.length ? text.slice(from, to) : undefined
}

const BEYOND_ASCII = /\P{ASCII}/u

/** In lower case, letter by letter and without regard to any culture. */
export function lower(text: string): string {
  return BEYOND_ASCII.test(text) ? mapLetters(text, letter => letter.toLowerCase()) : text.toLowerCase()
}

/** In upper case, letter by letter and without regard to any culture. */
export function upper(text: string): string {
  return BEYOND_ASCII.test(text) ? mapLetters(text, letter => letter.toUpperCase()) : text.toUpperCase()
}

/** Letters whose other case is several letters stay as they are, so that lengths do. */
function mapLetters(text: string, map: (letter: string) => string): string {
  let result = ''
  for (const letter of text) {
    const mapped = map(letter)
    result += mapped.length === letter.length ? mapped : letter
  }
  return result
}
