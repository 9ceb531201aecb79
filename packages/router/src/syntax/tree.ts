import type { Span } from './span.js'

/** One segment of a source: a name, or `*`. */
export interface Segment extends Span {
  readonly text: string
}

/** `FROM /…`: where messages come from. */
export interface Source extends Span {
  readonly segments: readonly Segment[]
}

/** `INTO …`: where messages go. */
export type Sink =
  | (Span & { readonly kind: 'upstream' })
  | (Span & { readonly kind: 'input'; readonly moduleId: string; readonly input: string; readonly path: string })

/** A rule as it was written. */
export interface Route {
  readonly source: Source
  /** Absent when the rule has no WHERE. */
  readonly condition: Expression | undefined
  readonly sink: Sink
}

/** Operators between two operands, logic apart. */
export type BinaryOperator = '??' | '=' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '||' | '*' | '/' | '%'

/** A string, number, boolean, `null` or `undefined`. */
export interface LiteralExpression extends Span {
  readonly kind: 'literal'
  readonly value: string | number | boolean | null | undefined
}

/** An application property. */
export interface PropertyExpression extends Span {
  readonly kind: 'property'
  readonly name: string
}

/** `$name`, or `{$name}` when `braced`; without the dollar. */
export interface SystemExpression extends Span {
  readonly kind: 'system'
  readonly name: string
  readonly braced: boolean
}

/** A step into a body: a member by name, an element by index, or any single child (`*`, original semantics only). */
export type BodyStep = string | number | typeof ANY_CHILD

/** The step `*` of the original's body queries. */
export const ANY_CHILD: unique symbol = Symbol('*')

/** `$body.a[0]`. */
export interface BodyExpression extends Span {
  readonly kind: 'body'
  /** Absent when the original accepts the path and finds nothing by it. */
  readonly path: readonly BodyStep[] | undefined
  /** As written, with the dollar. */
  readonly name: string
  readonly braced: boolean
}

/** `name(…)`. */
export interface CallExpression extends Span {
  readonly kind: 'call'
  readonly name: string
  readonly nameSpan: Span
  readonly operands: readonly Expression[]
}

/** `-x`, `NOT x`. */
export interface UnaryExpression extends Span {
  readonly kind: 'unary'
  readonly operator: '-' | 'NOT'
  readonly operand: Expression
}

/** Two operands around an operator. */
export interface BinaryExpression extends Span {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Expression
  readonly right: Expression
}

/** `a AND b AND c`, `a OR b OR c`: one level however long, so that long lists do not nest. */
export interface LogicalExpression extends Span {
  readonly kind: 'logical'
  readonly operator: 'AND' | 'OR'
  readonly operands: readonly Expression[]
}

/** A place where an expression should be; reported already. */
export interface InvalidExpression extends Span {
  readonly kind: 'invalid'
}

/** A condition or a part of one. */
export type Expression =
  | LiteralExpression
  | PropertyExpression
  | SystemExpression
  | BodyExpression
  | CallExpression
  | UnaryExpression
  | BinaryExpression
  | LogicalExpression
  | InvalidExpression
