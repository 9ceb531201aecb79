import { endOfScalar, endOfString, skipBlanks } from './json-bytes.js'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

const MAX_DEPTH = 256
/** Which of the containers around are objects. One will do: nothing else runs while a value is skipped. */
const isObject = new Uint8Array(MAX_DEPTH)

/** What is no JSON. */
export const INVALID = -1
/** What nests too deep to tell. */
export const UNSURE = -2

/** The position behind the value that begins at `start`, however much is in it, or {@link INVALID} or {@link UNSURE}. */
export function skipValue(bytes: Uint8Array, start: number): number {
  let depth = 0
  let at = start
  for (;;) {
    // A value begins at `at`.
    const byte = bytes[at]
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === MAX_DEPTH) return UNSURE
      isObject[depth++] = byte === OPEN_BRACE ? 1 : 0
      at = skipBlanks(bytes, at + 1)
      if (bytes[at] !== (byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
        if (byte === OPEN_BRACE && (at = endOfName(bytes, at)) === 0) return INVALID
        continue
      }
      depth--
      at++
    } else {
      at = byte === QUOTE ? Math.abs(endOfString(bytes, at)) : endOfScalar(bytes, at)
      if (at === 0) return INVALID
    }
    // A value has ended at `at`.
    for (;;) {
      if (depth === 0) return at
      at = skipBlanks(bytes, at)
      const inObject = isObject[depth - 1] === 1
      if (bytes[at] === COMMA) {
        at = skipBlanks(bytes, at + 1)
        if (inObject && (at = endOfName(bytes, at)) === 0) return INVALID
        break
      }
      if (bytes[at] !== (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) return INVALID
      depth--
      at++
    }
  }
}

/** Where the value begins of the member whose name is at `start`, 0 when there is no such member. */
function endOfName(bytes: Uint8Array, start: number): number {
  const end = bytes[start] === QUOTE ? Math.abs(endOfString(bytes, start)) : 0
  const colon = skipBlanks(bytes, end)
  return end > 0 && bytes[colon] === COLON ? skipBlanks(bytes, colon + 1) : 0
}
