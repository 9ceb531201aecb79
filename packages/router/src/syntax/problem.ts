import type { Span } from './span.js'

/** What kind of thing is wrong with a rule. Stable. */
export type RouteErrorCode =
  /** The text is not of the language. */
  | 'ROUTE_SYNTAX'
  /** The condition's parts do not fit together. */
  | 'ROUTE_TYPE'
  /** The rule's name, priority, time-to-live or form is not one that a deployment may have. */
  | 'ROUTE_RULE'
  /** A bound was reached. */
  | 'ROUTE_LIMIT'
  /** A document is not of the form that was asked for. */
  | 'ROUTE_DOCUMENT'

/** Something wrong at a place, before anybody knows of which route. */
export interface Problem {
  readonly code: RouteErrorCode
  readonly span: Span
  /** What is wrong, as a clause. */
  readonly message: string
  /** What could stand there instead. */
  readonly expected?: string | undefined
  /** What was probably meant, as a sentence. */
  readonly hint?: string | undefined
}

/** Collects the problems of one rule, up to a bound. */
export class Problems {
  readonly list: Problem[] = []
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether the bound is reached and reading on is pointless. */
  get full(): boolean {
    return this.list.length >= this.#limit
  }

  add(problem: Problem): void {
    if (!this.full) this.list.push(problem)
  }
}
