import type { SystemProperties } from '@edgewright/core'
import type { Span } from '../syntax/span.js'
import type { BodyStep } from '../syntax/tree.js'
import type { Builtin } from './builtins.js'

/**
 * What an expression is known to be before any message is seen. A `body` value can be anything at run time; the type
 * `invalid` stands for what was reported already and fits everywhere.
 */
export type StaticType = 'string' | 'number' | 'bool' | 'null' | 'undefined' | 'body' | 'invalid'

/** Comparison operators. */
export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>='
/** Arithmetic operators. */
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

interface Typed<Kind extends string, Type extends StaticType> extends Span {
  readonly kind: Kind
  readonly type: Type
}

/** A value that is the same for every message. */
export interface CheckedLiteral extends Typed<'literal', Exclude<StaticType, 'body'>> {
  readonly value: string | number | boolean | null | undefined
}

/** An application property. */
export interface CheckedProperty extends Typed<'property', 'string'> {
  readonly name: string
}

/** A system property; without a field it is never defined. */
export interface CheckedSystem extends Typed<'system', 'string'> {
  readonly name: string
  readonly field: keyof SystemProperties | undefined
}

/** An application property that hides something else of the same name: original semantics only. */
export interface CheckedShadow extends Typed<'shadow', 'string' | 'body'> {
  readonly name: string
  readonly otherwise: CheckedSystem | CheckedBody
}

/** A value of the body; without a path it is never defined. */
export interface CheckedBody extends Typed<'body', 'body'> {
  readonly path: readonly BodyStep[] | undefined
}

/** A function call. */
export interface CheckedCall extends Typed<'call', Builtin['result']> {
  readonly builtin: Builtin
  readonly operands: readonly Checked[]
}

/** Logical negation. */
export interface CheckedNot extends Typed<'not', 'bool'> {
  readonly operand: Checked
}

/** Arithmetic negation. */
export interface CheckedNegation extends Typed<'negation', 'number'> {
  readonly operand: Checked
}

/** Arithmetic; of type `body` where the original keeps the result dynamic. */
export interface CheckedArithmetic extends Typed<'arithmetic', 'number' | 'body'> {
  readonly operator: ArithmeticOperator
  readonly left: Checked
  readonly right: Checked
}

/** A comparison. */
export interface CheckedComparison extends Typed<'comparison', 'bool'> {
  readonly operator: ComparisonOperator
  readonly left: Checked
  readonly right: Checked
}

/** AND or OR over two or more operands. */
export interface CheckedLogical extends Typed<'logical', 'bool'> {
  readonly operator: 'AND' | 'OR'
  /** None is null: the checker resolves those. */
  readonly operands: readonly Checked[]
  /** All operands must be booleans, else the result is undefined whatever the others say: original semantics only. */
  readonly strict: boolean
}

/** `left ?? right`. */
export interface CheckedCoalescence extends Typed<'coalescence', 'string' | 'number' | 'bool' | 'body'> {
  readonly left: Checked
  readonly right: Checked
}

/** A condition or a part of one, its names resolved and its types known. */
export type Checked =
  | CheckedLiteral
  | CheckedProperty
  | CheckedSystem
  | CheckedShadow
  | CheckedBody
  | CheckedCall
  | CheckedNot
  | CheckedNegation
  | CheckedArithmetic
  | CheckedComparison
  | CheckedLogical
  | CheckedCoalescence

/** The parts of an expression, in the order they are written. */
export function partsOf(node: Checked): readonly Checked[] {
  switch (node.kind) {
    case 'call':
    case 'logical':
      return node.operands
    case 'not':
    case 'negation':
      return [node.operand]
    case 'arithmetic':
    case 'comparison':
    case 'coalescence':
      return [node.left, node.right]
    case 'shadow':
      return [node.otherwise]
    default:
      return []
  }
}
