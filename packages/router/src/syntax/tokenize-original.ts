import { keywordOf, LITERAL_WORDS, MARKS, type Token } from './token.js'

// The longest match wins; of equally long ones, the first of this order: keyword, string, number, literal word, mark,
// system property, name. Source: hub reference, 1.2.
const BLANK = /[ \t\r\n]+/y
const STRING = /"(?:[^"\\]|\\(?:["'\\]|u[0-9a-fA-F]{4}))*"?|'(?:[^'\\]|\\(?:["'\\]|u[0-9a-fA-F]{4}))*'?/y
const INTEGER = /-?[0-9]+/y
const HEX = /0[xX][0-9a-fA-F]+/y
const REAL = /-?[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|-?[0-9]*[eE][+-]?[0-9]+/y
const SYSTEM = /\$[^()<>@,;:\\"/?={} \t\n\r]+/y
const NAME = /[^()<>@,;:\\"/[\]?={} \t\n\r]+/y
const BRACKETED = /[^()<>@,;:\\"/?={} \t\n\r]+/y

/** The tokens of a rule as the original reads it, the last of them `end`. Never fails: what is wrong is a token. */
export function tokenizeOriginal(text: string): Token[] {
  const tokens: Token[] = []
  const lastClose = text.lastIndexOf('*/')
  let at = 0
  while (at < text.length) {
    const blank = lengthOf(BLANK, text, at)
    const comment = text.startsWith('/*', at) && at + 2 <= lastClose ? text.indexOf('*/', at + 2) + 2 - at : 0
    if (blank > 0 || comment > 0) {
      at += Math.max(blank, comment)
      continue
    }
    const token = tokenAt(text, at)
    tokens.push(token)
    at = token.end
  }
  tokens.push({ kind: 'end', start: text.length, end: text.length })
  return tokens
}

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0].length ?? 0
}

function tokenAt(text: string, start: number): Token {
  const mark = MARKS.find(each => text.startsWith(each, start))
  const candidates: readonly (readonly [length: number, make: (end: number) => Token])[] = [
    [lengthOf(STRING, text, start), end => stringToken(text, start, end)],
    [lengthOf(INTEGER, text, start), end => numberToken(text, start, end)],
    [lengthOf(HEX, text, start), end => hexToken(text, start, end)],
    [lengthOf(REAL, text, start), end => numberToken(text, start, end)],
    [mark?.length ?? 0, end => ({ kind: mark!, start, end })],
    [lengthOf(SYSTEM, text, start), end => ({ kind: 'system', text: text.slice(start, end), start, end })],
    [lengthOf(NAME, text, start), end => wordToken(text, start, end)],
    [lengthOf(BRACKETED, text, start), end => invalid(start, end, 'brackets have no meaning here')],
    [1, end => invalid(start, end, `${JSON.stringify(text[start])} has no meaning here`)],
  ]
  let [length, make] = candidates[0]!
  for (const candidate of candidates) if (candidate[0] > length) [length, make] = candidate
  return make(start + length)
}

function wordToken(text: string, start: number, end: number): Token {
  const word = text.slice(start, end)
  const keyword = keywordOf(word)
  if (keyword !== undefined) return { kind: keyword, start, end }
  if (LITERAL_WORDS.has(word)) return { kind: 'literal', value: LITERAL_WORDS.get(word), start, end }
  return { kind: 'name', text: word, start, end }
}

/** A number, or nothing when it is only an exponent. */
function numberToken(text: string, start: number, end: number): Token {
  const value = Number(text.slice(start, end))
  return { kind: 'literal', value: Number.isNaN(value) ? undefined : value, start, end }
}

/** A signed 64-bit number; nothing when it has more bits. */
function hexToken(text: string, start: number, end: number): Token {
  const digits = text.slice(start + 2, end).replace(/^0+(?=.)/, '')
  const value = digits.length > 16 ? undefined : Number(BigInt.asIntN(64, BigInt(`0x${digits}`)))
  return { kind: 'literal', value, start, end }
}

function stringToken(text: string, start: number, end: number): Token {
  const closed = end - start > 1 && text[end - 1] === text[start] && !endsInEscape(text, start, end)
  if (!closed) return invalid(start, end, 'the string is not closed')
  const raw = text.slice(start + 1, end - 1)
  const value = raw
    .replace(/\\[uU]([0-9a-fA-F]{4})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replace(/\\(["'\\])/g, '$1')
  return { kind: 'string', value, raw, start, end }
}

/** Whether the last quote of a match is escaped, so that the match is an unclosed string. */
function endsInEscape(text: string, start: number, end: number): boolean {
  let slashes = 0
  for (let at = end - 2; at > start && text[at] === '\\'; at--) slashes++
  return slashes % 2 === 1
}

function invalid(start: number, end: number, message: string): Token {
  const span = { start, end }
  return { kind: 'invalid', ...span, problem: { code: 'ROUTE_SYNTAX', span, message } }
}
