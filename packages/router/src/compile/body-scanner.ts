import type { BodyStep } from '../syntax/tree.js'
import { memberAt, type Place, placesOf } from './body-places.js'
import { endOfScalar, endOfString, numberIn, skipBlanks, textIn } from './json-bytes.js'
import { INVALID, skipValue, UNSURE } from './skip-json.js'
import { MISSING, SOME_ARRAY, SOME_OBJECT, type Value } from './value.js'

/** What a scan says of a body: that it is JSON, that it is none, or that it takes a parser to tell. */
export type ScanResult = 'valid' | 'invalid' | 'unsure'

/** More places than these are found quicker in a parsed body; deeper ones are left to the parser. */
const MAX_PLACES = 32
const MAX_STEPS = 32

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

const NOTHING = 0
const OBJECT = 1
const ARRAY = 2
const STRING = 3
const ESCAPED_STRING = 4
const NUMBER = 5
const TRUE = 6
const FALSE = 7
const NULL = 8

const NO_BYTES = new Uint8Array()

/**
 * Looks up places in JSON without parsing it: one pass over the bytes checks that they are JSON, as strictly as
 * `JSON.parse`, and notes where the wanted values lie. Only values that are asked for are made.
 */
export class BodyScanner {
  readonly #root: Place
  readonly #kinds: Uint8Array
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  #bytes: Uint8Array = NO_BYTES

  private constructor(root: Place) {
    this.#root = root
    this.#kinds = new Uint8Array(root.end)
    this.#starts = new Int32Array(root.end)
    this.#ends = new Int32Array(root.end)
  }

  /**
   * A scanner for paths, and the number by which each of them is asked for; nothing when a parser suits them better.
   */
  static for(
    paths: readonly (readonly BodyStep[])[],
  ): { scanner: BodyScanner; numbers: readonly number[] } | undefined {
    if (paths.length > MAX_PLACES || paths.some(path => path.length > MAX_STEPS)) return undefined
    const places = placesOf(paths)
    return places && { scanner: new BodyScanner(places.root), numbers: places.numbers }
  }

  /** Looks at a body, whose values can be asked for until {@link release}. */
  scan(bytes: Uint8Array): ScanResult {
    this.#bytes = bytes
    this.#kinds.fill(NOTHING)
    const start = skipBlanks(bytes, 0)
    if (bytes[start]! > 0x7f) return 'unsure'
    if (bytes[start] !== OPEN_BRACE && bytes[start] !== OPEN_BRACKET) return 'invalid'
    const end = this.#value(start, this.#root)
    if (end === UNSURE) return 'unsure'
    return end > 0 && skipBlanks(bytes, end) === bytes.length ? 'valid' : 'invalid'
  }

  /** Lets go of the body. */
  release(): void {
    this.#bytes = NO_BYTES
  }

  /**
   * What lies at a place of the body scanned last, which was valid.
   *
   * @param before - what lay there in the body before: texts often repeat, and need not be made again.
   */
  value(number: number, before?: Value): Value {
    switch (this.#kinds[number]) {
      case OBJECT:
        return SOME_OBJECT
      case ARRAY:
        return SOME_ARRAY
      case STRING:
        return typeof before === 'string' && this.#isText(number, before) ? before : this.#text(number)
      case ESCAPED_STRING:
        return JSON.parse(`"${this.#text(number)}"`) as string
      case NUMBER:
        return numberIn(this.#bytes, this.#starts[number]!, this.#ends[number]!)
      case TRUE:
        return true
      case FALSE:
        return false
      case NULL:
        return null
      default:
        return MISSING
    }
  }

  #isText(number: number, text: string): boolean {
    const start = this.#starts[number]!
    if (this.#ends[number]! - start !== text.length) return false
    for (let at = 0; at < text.length; at++) if (this.#bytes[start + at] !== text.charCodeAt(at)) return false
    return true
  }

  #text(number: number): string {
    return textIn(this.#bytes, this.#starts[number]!, this.#ends[number]!)
  }

  /** The position behind the value that begins at `at`, which is noted as what lies at a place. */
  #value(at: number, place: Place): number {
    const byte = this.#bytes[at]
    if (byte === OPEN_BRACE) return this.#object(at, this.#note(place, OBJECT, at, at))
    if (byte === OPEN_BRACKET) return this.#array(at, this.#note(place, ARRAY, at, at))
    if (byte === QUOTE) {
      const end = endOfString(this.#bytes, at)
      if (end === 0) return INVALID
      this.#note(place, end > 0 ? STRING : ESCAPED_STRING, at + 1, Math.abs(end) - 1)
      return Math.abs(end)
    }
    const end = endOfScalar(this.#bytes, at)
    if (end === 0) return INVALID
    this.#note(place, kindOf(byte), at, end)
    return end
  }

  /** The last of several members with one name counts, and all below the others is forgotten. */
  #note(place: Place, kind: number, start: number, end: number): Place {
    if (this.#kinds[place.number] !== NOTHING) this.#kinds.fill(NOTHING, place.number, place.end)
    this.#kinds[place.number] = kind
    this.#starts[place.number] = start
    this.#ends[place.number] = end
    return place
  }

  #object(start: number, place: Place): number {
    if (place.members.length === 0) return skipValue(this.#bytes, start)
    const bytes = this.#bytes
    let at = skipBlanks(bytes, start + 1)
    if (bytes[at] === CLOSE_BRACE) return at + 1
    for (;;) {
      if (bytes[at] !== QUOTE) return INVALID
      const end = endOfString(bytes, at)
      if (end <= 0) return end === 0 ? INVALID : UNSURE
      const colon = skipBlanks(bytes, end)
      if (bytes[colon] !== COLON) return INVALID
      const member = memberAt(place, bytes, at + 1, end - 1)
      const value = skipBlanks(bytes, colon + 1)
      at = member === undefined ? skipValue(bytes, value) : this.#value(value, member)
      if (at < 0) return at
      at = skipBlanks(bytes, at)
      if (bytes[at] === CLOSE_BRACE) return at + 1
      if (bytes[at] !== COMMA) return INVALID
      at = skipBlanks(bytes, at + 1)
    }
  }

  #array(start: number, place: Place): number {
    if (place.elements.size === 0) return skipValue(this.#bytes, start)
    const bytes = this.#bytes
    let at = skipBlanks(bytes, start + 1)
    if (bytes[at] === CLOSE_BRACKET) return at + 1
    for (let index = 0; ; index++) {
      const element = place.elements.get(index)
      at = element === undefined ? skipValue(bytes, at) : this.#value(at, element)
      if (at < 0) return at
      at = skipBlanks(bytes, at)
      if (bytes[at] === CLOSE_BRACKET) return at + 1
      if (bytes[at] !== COMMA) return INVALID
      at = skipBlanks(bytes, at + 1)
    }
  }
}

function kindOf(byte: number | undefined): number {
  return byte === 0x74 ? TRUE : byte === 0x66 ? FALSE : byte === 0x6e ? NULL : NUMBER
}
