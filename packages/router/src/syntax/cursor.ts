import type { Problems } from './problem.js'
import type { Span } from './span.js'
import type { Token, TokenKind } from './token.js'

type TokenOf<Kind extends TokenKind> = Token & { readonly kind: Kind }

/** Walks over tokens and reports what it meets that should not be there. */
export class TokenCursor {
  readonly #tokens: readonly Token[]
  readonly #problems: Problems
  #index = 0
  #endReported = false

  constructor(tokens: readonly Token[], problems: Problems) {
    this.#tokens = tokens
    this.#problems = problems
  }

  /** The token to read next. */
  get current(): Token {
    return this.#tokens[this.#index]!
  }

  /** The token read last; the first one before anything was read. */
  get previous(): Token {
    return this.#tokens[Math.max(0, this.#index - 1)]!
  }

  /** Whether the next token is of one of these kinds. */
  at(...kinds: readonly TokenKind[]): boolean {
    return kinds.includes(this.current.kind)
  }

  /** Reads the next token. The end can be read for ever. */
  next(): Token {
    const token = this.current
    if (token.kind === 'invalid') this.#problems.add(token.problem)
    if (token.kind !== 'end') this.#index++
    return token
  }

  /** Reads the next token if it is of this kind. */
  take<Kind extends TokenKind>(kind: Kind): TokenOf<Kind> | undefined {
    return this.at(kind) ? (this.next() as TokenOf<Kind>) : undefined
  }

  /** Reads the next token if it is of one of these kinds. */
  takeAny<Kind extends TokenKind>(...kinds: readonly Kind[]): TokenOf<Kind> | undefined {
    return this.at(...kinds) ? (this.next() as TokenOf<Kind>) : undefined
  }

  /** Reads up to a token of one of these kinds, or the end. */
  skipTo(...kinds: readonly TokenKind[]): void {
    while (!this.at(...kinds, 'end')) this.next()
  }

  /** Reports that the next token is not what should stand there. What is wrong with an invalid one comes first. */
  unexpected(expected: string, hint?: string): void {
    const token = this.current
    if (token.kind === 'invalid') {
      const { problem } = token
      this.#problems.add({ ...problem, expected: problem.expected ?? expected, hint: problem.hint ?? hint })
      this.#index++
      return
    }
    if (token.kind === 'end' && this.#endReported) return
    this.#endReported = token.kind === 'end'
    const message = token.kind === 'end' ? 'the rule ends too early' : 'this does not belong here'
    this.fail(token, message, expected, hint)
  }

  /** Reports a problem of syntax. */
  fail(span: Span, message: string, expected?: string, hint?: string): void {
    this.#problems.add({ code: 'ROUTE_SYNTAX', span: { start: span.start, end: span.end }, message, expected, hint })
  }

  /** Reports that a bound was reached. */
  exceed(span: Span, message: string, hint: string): void {
    this.#problems.add({ code: 'ROUTE_LIMIT', span: { start: span.start, end: span.end }, message, hint })
  }
}
