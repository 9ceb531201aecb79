import { NAME } from './name.js'
import type { Problem } from './problem.js'
import { scanString } from './string.js'
import { keywordOf, LITERAL_WORDS, MARKS, type Token } from './token.js'

const BLANK = /\s+/y
const SEGMENT = /[^\s/]+/y
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y
const BODY = /^\$body(?![^.[])/i

const STRAIGHT_QUOTES = 'Straight quotes are needed: " or \'.'
const HINTS: Readonly<Record<string, string>> = {
  '&': 'Did you mean AND?',
  '|': 'Did you mean OR (logic) or || (joining texts)?',
  '!': 'Did you mean NOT?',
  '“': STRAIGHT_QUOTES,
  '”': STRAIGHT_QUOTES,
  '„': STRAIGHT_QUOTES,
  '‘': STRAIGHT_QUOTES,
  '’': STRAIGHT_QUOTES,
}

/**
 * The tokens of a rule, the last of them `end`.
 *
 * Between FROM and WHERE or INTO stands a path, where everything between slashes is a segment: comments, keywords,
 * numbers and operators have no meaning there.
 */
export function tokenize(text: string): Token[] {
  return new Tokenizer(text).run()
}

class Tokenizer {
  readonly #text: string
  readonly #tokens: Token[] = []
  #at = 0
  #fromSeen = false

  constructor(text: string) {
    this.#text = text
  }

  run(): Token[] {
    while (this.#skipBlanksAndComments()) {
      const token = this.#next()
      this.#push(token)
      if (token.kind === 'FROM' && !this.#fromSeen) {
        this.#fromSeen = true
        this.#path()
      }
    }
    this.#tokens.push({ kind: 'end', start: this.#text.length, end: this.#text.length })
    return this.#tokens
  }

  #push(token: Token): void {
    this.#tokens.push(token)
    this.#at = token.end
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#text)?.[0]
  }

  #skipBlanksAndComments(): boolean {
    for (;;) {
      this.#at += this.#match(BLANK)?.length ?? 0
      if (!this.#text.startsWith('/*', this.#at)) return this.#at < this.#text.length
      const end = this.#text.indexOf('*/', this.#at + 2)
      if (end < 0) {
        this.#push(this.#invalid(this.#text.length, 'the comment is not closed', { expected: '*/' }))
        return false
      }
      this.#at = end + 2
    }
  }

  #path(): void {
    for (;;) {
      const blank = this.#match(BLANK)
      this.#at += blank?.length ?? 0
      if (this.#at >= this.#text.length) return
      const start = this.#at
      if (this.#text[start] === '/') {
        this.#push({ kind: '/', start, end: start + 1 })
        continue
      }
      const text = this.#match(SEGMENT) ?? ''
      const end = start + text.length
      const keyword = keywordOf(text)
      const afterSlash = this.#tokens.at(-1)?.kind === '/' && blank === undefined
      if (!afterSlash && (keyword === 'WHERE' || keyword === 'INTO')) {
        this.#push({ kind: keyword, start, end })
        return
      }
      this.#push(text === '*' ? { kind: '*', start, end } : { kind: 'name', text, start, end })
    }
  }

  #next(): Token {
    const start = this.#at
    const character = this.#text[start]!
    if (character === '"' || character === "'") return scanString(this.#text, start)
    if (character === '$') return this.#system()
    return this.#number() ?? this.#mark() ?? this.#word() ?? this.#unknown()
  }

  #number(): Token | undefined {
    const start = this.#at
    const text = this.#match(NUMBER)
    if (text === undefined) return undefined
    const end = start + text.length
    NAME.lastIndex = end
    if (NAME.test(this.#text)) return undefined
    const value = Number(text)
    const tooLarge = /^0x/i.test(text) ? BigInt(text) > 0x7fff_ffff_ffff_ffffn : !Number.isFinite(value)
    if (tooLarge) return this.#invalid(end, 'the number is too large')
    return { kind: 'literal', value, start, end }
  }

  #mark(): Token | undefined {
    const start = this.#at
    const mark = MARKS.find(each => this.#text.startsWith(each, start))
    return mark === undefined ? undefined : { kind: mark, start, end: start + mark.length }
  }

  #word(): Token | undefined {
    const start = this.#at
    const text = this.#match(NAME)
    if (text === undefined) return undefined
    const end = start + text.length
    const keyword = keywordOf(text)
    if (keyword !== undefined) return { kind: keyword, start, end }
    const literal = text.toLowerCase()
    if (LITERAL_WORDS.has(literal)) return { kind: 'literal', value: LITERAL_WORDS.get(literal), start, end }
    return { kind: 'name', text, start, end }
  }

  #system(): Token {
    const start = this.#at
    this.#at++
    this.#at += this.#match(NAME)?.length ?? 0
    if (BODY.test(this.#text.slice(start, this.#at))) this.#bodySubscripts()
    const end = this.#at
    this.#at = start
    if (end === start + 1) return this.#invalid(end, 'a name is missing after $')
    return { kind: 'system', text: this.#text.slice(start, end), start, end }
  }

  #bodySubscripts(): void {
    while (this.#text[this.#at] === '[') {
      const quote = this.#text[this.#at + 1]
      if (quote === '"' || quote === "'") this.#at = scanString(this.#text, this.#at + 1).end
      const close = this.#text.indexOf(']', this.#at)
      if (close < 0) {
        this.#at = this.#text.length
        return
      }
      this.#at = close + 1
      this.#at += this.#match(NAME)?.length ?? 0
    }
  }

  #unknown(): Token {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at)!)
    let end = this.#at + character.length
    while (this.#text.startsWith(character, end)) end += character.length
    return this.#invalid(end, `${JSON.stringify(this.#text.slice(this.#at, end))} has no meaning here`, {
      hint: HINTS[character],
    })
  }

  #invalid(end: number, message: string, more: Pick<Problem, 'expected' | 'hint'> = {}): Token {
    const span = { start: this.#at, end }
    return { kind: 'invalid', ...span, problem: { code: 'ROUTE_SYNTAX', span, message, ...more } }
  }
}
