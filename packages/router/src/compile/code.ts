import type { Checked } from '../check/checked.js'
import type { Semantics } from '../semantics.js'
import type { Evaluation } from './evaluation.js'
import type { Text } from './text.js'
import type { Value } from './value.js'

/** A part of a condition, ready to run. */
export type Code<Result> = (evaluation: Evaluation) => Result

/** True, false or undefined. To a question, only true is yes. */
export type Truth = boolean | undefined

/** A numeric part: leaves its number, NaN for undefined, in a register. One that is returned would be boxed. */
export interface NumberCode {
  readonly load: Code<void>
  readonly register: number
  /** The number, when it is the same for every message. */
  readonly constant?: number | undefined
}

/** A condition as a chain of questions: it holds when all of them do. */
export interface ConditionCode {
  /** What other conditions ask too: the same code in all of them. */
  readonly guard: Code<Truth> | undefined
  readonly first: Code<Truth>
  readonly others: Code<Truth> | undefined
}

/**
 * Makes code of expressions, in the form that the surrounding code needs. Code of one form runs code of one form of
 * each part, once: so both making and running it takes time linear to the expression.
 */
export interface ExpressionCompiler {
  readonly semantics: Semantics
  readonly evaluation: Evaluation
  /** Whether an expression is exactly this boolean: neither the other, nor undefined, nor anything else. */
  holds(node: Checked, wanted: boolean): Code<Truth>
  /** What an expression comes to, whatever its type. */
  value(node: Checked): Code<Value>
  /** What a text expression comes to; undefined for anything else. */
  text(node: Checked): Code<Text>
  /** What a numeric expression comes to; NaN for undefined and for anything else. */
  number(node: Checked): NumberCode
}
