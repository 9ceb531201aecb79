import { EdgewrightError } from '@edgewright/core'
import type { Problem, RouteErrorCode } from './syntax/problem.js'
import { positionOf, type Span } from './syntax/span.js'

export type { RouteErrorCode } from './syntax/problem.js'

/** One thing wrong with one route. Other routes are not affected. */
export class RouteError extends EdgewrightError {
  declare readonly code: RouteErrorCode
  /** The route's name; empty when the document as a whole is meant. */
  readonly route: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** The offending stretch of the rule's text. */
  readonly span: Span
  /** The line it stands in with a marked line under it; empty when there is no text to show. */
  readonly excerpt: string
  /** What could stand there instead. */
  readonly expected: string | undefined
  /** What was probably meant, as a sentence; also the `remedy`. */
  readonly hint: string | undefined

  constructor(route: string, text: string, problem: Problem) {
    const { line, column } = positionOf(text, problem.span.start)
    const expected = problem.expected === undefined ? '' : `; expected ${problem.expected}`
    const place = route === '' ? undefined : `route ${route}, line ${line}, column ${column}`
    super(problem.code, problem.message + expected, { place, remedy: problem.hint })
    this.route = route
    this.line = line
    this.column = column
    this.span = problem.span
    this.excerpt = excerptOf(text, problem.span)
    this.expected = problem.expected
    this.hint = problem.hint
  }
}

/** What is wrong with a document as a whole. */
export function documentError(message: string, hint: string): RouteError {
  return new RouteError('', '', { code: 'ROUTE_DOCUMENT', span: { start: 0, end: 0 }, message, hint })
}

const BEFORE = 50
const AFTER = 60

/** The line around a stretch, cut to a screen's width, and a line that marks the stretch. */
export function excerptOf(text: string, { start, end }: Span): string {
  if (text === '') return ''
  // lastIndexOf takes a position before the text for its beginning.
  const lineStart = start === 0 ? 0 : text.lastIndexOf('\n', start - 1) + 1
  const lineBreak = text.indexOf('\n', start)
  const lineEnd = lineBreak < 0 ? text.length : lineBreak
  const from = Math.max(lineStart, start - BEFORE)
  const to = Math.min(lineEnd, start + AFTER)
  const [head, tail] = [from > lineStart ? '…' : '', to < lineEnd ? '…' : '']
  const marks = '^'.repeat(Math.max(1, Math.min(end, to) - start))
  const line = text.slice(from, to).replace(/\p{Cc}/gu, ' ')
  return `${head}${line}${tail}\n${' '.repeat(head.length + start - from)}${marks}`
}
