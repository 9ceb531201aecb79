import type { Evaluation } from './evaluation.js'

/** A part of a condition, ready to run. */
export type Code<Result> = (evaluation: Evaluation) => Result

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
  readonly guard: Code<boolean> | undefined
  readonly first: Code<boolean>
  readonly others: Code<boolean> | undefined
}
