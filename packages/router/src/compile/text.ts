/** A text, null for a property that came without value, undefined. */
export type Text = string | null | undefined

/** The part of a text from `start`, of `length` or to the end; undefined when it does not lie within. */
export function substring(text: string, start: number, length?: number): string | undefined {
  const from = Math.trunc(start)
  if (length === undefined) return from >= 0 && from <= text.length ? text.slice(from) : undefined
  const to = from + Math.trunc(length)
  return from >= 0 && from < text.length && to >= from && to <= text.length ? text.slice(from, to) : undefined
}

/** In lower case, letter by letter and without regard to any culture. */
export function lower(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, letter => letter.toLowerCase())
}

/** In upper case, letter by letter and without regard to any culture. */
export function upper(text: string): string {
  return isAscii(text) ? text.toUpperCase() : mapLetters(text, letter => letter.toUpperCase())
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
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
