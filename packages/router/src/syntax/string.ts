import type { Token } from './token.js'

const ESCAPE = /\\(?:["'\\]|u[0-9a-fA-F]{4})/y

/** The string that begins with the quote at `start`; an invalid token when it does not end or escapes wrongly. */
export function scanString(text: string, start: number): Token {
  const quote = text[start]
  let value = ''
  let badEscape = -1
  let copied = start + 1
  let at = copied
  while (at < text.length && text[at] !== quote) {
    if (text[at] !== '\\') {
      at++
      continue
    }
    const escaped = escapeAt(text, at)
    if (escaped === undefined && badEscape < 0) badEscape = at
    value += text.slice(copied, at) + (escaped?.value ?? '')
    at += escaped?.length ?? Math.min(2, text.length - at)
    copied = at
  }
  if (at >= text.length) return invalid(start, text.length, 'the string is not closed', `expected ${quote}`)
  if (badEscape >= 0) return invalid(badEscape, at + 1, 'the backslash begins no escape', 'Write \\\\ for a backslash.')
  return { kind: 'string', value: value + text.slice(copied, at), raw: text.slice(start + 1, at), start, end: at + 1 }
}

/** A text as a string of the language. */
export function quote(text: string, mark: "'" | '"' = "'"): string {
  return mark + text.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`) + mark
}

function escapeAt(text: string, at: number): { value: string; length: number } | undefined {
  ESCAPE.lastIndex = at
  const written = ESCAPE.exec(text)?.[0]
  if (written === undefined) return undefined
  const value = written[1] === 'u' ? String.fromCharCode(Number.parseInt(written.slice(2), 16)) : written[1]!
  return { value, length: written.length }
}

function invalid(start: number, end: number, message: string, hint: string): Token {
  const span = { start, end }
  return { kind: 'invalid', ...span, problem: { code: 'ROUTE_SYNTAX', span, message, hint } }
}
