import { excerptOf } from '../errors.js'
import { positionOf, type Span } from '../syntax/span.js'

/** What a warning is about. Stable. */
export type RouteWarningCode =
  /** The route parses and can never match. */
  | 'never-matches'
  /** No message has this source. */
  | 'unknown-source'
  /** The deployment has no module of this name. */
  | 'unknown-module'
  /** Another route does the same. */
  | 'duplicate'
  /** Another route always decides instead. */
  | 'shadowed'
  /** No message has this system property. */
  | 'unknown-property'
  /** A part of the condition is undefined for every message. */
  | 'always-undefined'
  /** Text is ordered letter by letter where numbers were probably meant. */
  | 'text-order'
  /** The rule is of a form that works but is probably a slip. */
  | 'unusual'
  /** IoT Edge answers differently: reported when asked for. */
  | 'differs-from-iotedge'

/** Something about a route that its author should know. The route works all the same. */
export interface RouteWarning {
  readonly code: RouteWarningCode
  readonly route: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  readonly span: Span
  /** What is the matter, as a clause. */
  readonly message: string
  /** What was probably meant, or what to do, as a sentence. */
  readonly hint?: string | undefined
  /** The line it stands in with a marked line under it. */
  readonly excerpt: string
}

/** A warning before its place is worked out. */
export interface Finding {
  readonly code: RouteWarningCode
  readonly span: Span
  readonly message: string
  readonly hint?: string | undefined
}

/** The warning that a finding in a route amounts to. */
export function warningOf(route: { readonly name: string; readonly text: string }, finding: Finding): RouteWarning {
  const { start, end } = finding.span
  const { line, column } = positionOf(route.text, start)
  return {
    ...finding,
    route: route.name,
    line,
    column,
    span: { start, end },
    excerpt: excerptOf(route.text, { start, end }),
  }
}
