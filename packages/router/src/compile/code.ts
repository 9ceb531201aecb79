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
