/** Bounds that keep a hostile rule or message from costing more than linear time and memory. */
export interface RouteLimits {
  /** Rules in one table. @default 10,000 */
  readonly routes?: number
  /** Length of one rule, in UTF-16 units. @default 32,768 */
  readonly length?: number
  /** Levels of a condition: parentheses, functions, operators within operators. @default 100 */
  readonly depth?: number
  /** Problems reported for one rule; the rest of it is not read. @default 20 */
  readonly problems?: number
  /** Bytes of a body that `$body` looks into; a larger one counts as unusable. @default 262,144 */
  readonly bodyBytes?: number
  /** Length of a text that a function makes, in UTF-16 units; a longer one is undefined. @default 262,144 */
  readonly textLength?: number
}

/** The bounds that apply when none are given. */
export const ROUTE_LIMITS = Object.freeze({
  routes: 10_000,
  length: 32_768,
  depth: 100,
  problems: 20,
  bodyBytes: 262_144,
  textLength: 262_144,
}) satisfies Required<RouteLimits>
