import type { Problem } from './problem.js'
import type { Span } from './span.js'

/** Words with a meaning of their own, in any letter case. */
export const KEYWORDS = ['SELECT', 'FROM', 'WHERE', 'INTO', 'AND', 'OR', 'NOT'] as const
/** A keyword. */
export type Keyword = (typeof KEYWORDS)[number]

/** Punctuation and operators, the longer before those that begin them. */
export const MARKS = [
  ...(['!=', '<>', '<=', '>=', '||', '??'] as const),
  ...(['(', ')', ',', '{', '}', '+', '-', '*', '/', '%', '=', '<', '>'] as const),
] as const
/** A punctuation mark or operator. */
export type Mark = (typeof MARKS)[number]

/** A piece of a rule's text. */
export type Token =
  | (Span & { readonly kind: Keyword | Mark | 'end' })
  /** A word that is no keyword: a property, a function, a segment of a source. */
  | (Span & { readonly kind: 'name'; readonly text: string })
  /** `$` and what follows it, as written. */
  | (Span & { readonly kind: 'system'; readonly text: string })
  /** A string: its value, and what stands between its quotes. */
  | (Span & { readonly kind: 'string'; readonly value: string; readonly raw: string })
  /** A number, `true`, `false`, `null`, `undefined`. */
  | (Span & { readonly kind: 'literal'; readonly value: number | boolean | null | undefined })
  /** What no token can be made of. Its problem counts only where the parser comes across it. */
  | (Span & { readonly kind: 'invalid'; readonly problem: Problem })

/** What a token may be. */
export type TokenKind = Token['kind']

/** The keyword that a word is, if it is one. */
export function keywordOf(word: string): Keyword | undefined {
  if (word.length > 6) return undefined
  const upper = word.toUpperCase()
  return KEYWORDS.find(keyword => keyword === upper)
}

/** The words that stand for values. */
export const LITERAL_WORDS: ReadonlyMap<string, boolean | null | undefined> = new Map<
  string,
  boolean | null | undefined
>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['undefined', undefined],
])
