import type { Code } from './code.js'
import type { Value } from './value.js'

/** Whether all of these hold. */
export function every(operands: readonly Code<boolean>[]): Code<boolean> {
  const [first, second, third, ...others] = operands as [Code<boolean>, Code<boolean>, Code<boolean>?]
  if (third === undefined) return evaluation => first(evaluation) && second(evaluation)
  if (others.length === 0) return evaluation => first(evaluation) && second(evaluation) && third(evaluation)
  return evaluation => {
    for (const operand of operands) if (!operand(evaluation)) return false
    return true
  }
}

/** Whether any of these holds. */
export function some(operands: readonly Code<boolean>[]): Code<boolean> {
  const [first, second, third, ...others] = operands as [Code<boolean>, Code<boolean>, Code<boolean>?]
  if (third === undefined) return evaluation => first(evaluation) || second(evaluation)
  if (others.length === 0) return evaluation => first(evaluation) || second(evaluation) || third(evaluation)
  return evaluation => {
    for (const operand of operands) if (operand(evaluation)) return true
    return false
  }
}

/** Whether AND or OR of two values is a boolean: undefined unless both are booleans. Original semantics only. */
export function bothBooleans(
  operator: 'AND' | 'OR',
  left: Code<Value>,
  right: Code<Value>,
  wanted: boolean,
): Code<boolean> {
  return evaluation => {
    const one = left(evaluation)
    const other = right(evaluation)
    if (typeof one !== 'boolean' || typeof other !== 'boolean') return false
    return (operator === 'AND' ? one && other : one || other) === wanted
  }
}

/** The same code, run once per message however often it is asked. */
export function once<Result>(code: Code<Result>, memo: { turn: number; value: Result | undefined }): Code<Result> {
  return evaluation => {
    if (memo.turn !== evaluation.turn) {
      memo.value = code(evaluation)
      memo.turn = evaluation.turn
    }
    return memo.value as Result
  }
}
