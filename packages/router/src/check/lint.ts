import type { Span } from '../syntax/span.js'

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
  /** Another route always decides. */
  | 'shadowed'
  /** No message has this system property. */
  | 'unknown-property'
  /** This part of the condition is undefined for every message. */
  | 'always-undefined'
  /** Text is ordered letter by letter where numbers were probably meant. */
  | 'text-order'
  /** The rule has a form that means something, but probably not what was meant. */
  | 'unusual'
  /** IoT Edge answers differently. */
  | 'differs-from-iotedge'

/** Something about a route that its author should know. The route works all the same. */
export interface RouteWarning {
  readonly code: RouteWarningCode
  readonly route: string
  readonly line: number
  readonly column: number
  readonly span: Span
  readonly message: string
  /** What was probably meant, as a sentence. */
  readonly hint?: string | undefined
  /** The line it stands in with a marked line under it. */
  readonly excerpt: string
}
