import type { Code, Truth } from './code.js'
import type { Memo } from './evaluation.js'
import type { Value } from './value.js'

/** Whether all of these hold. */
export function every(operands: readonly Code<Truth>[]): Code<Truth> {
  const [first, second, third, ...others] = operands as [Code<Truth>, Code<Truth>, Code<Truth>?]
  if (third === undefined) return evaluation => first(evaluation) && second(evaluation)
  if (others.length === 0) return evaluation => first(evaluation) && second(evaluation) && third(evaluation)
  return evaluation => {
    for (const operand of operands) if (!operand(evaluation)) return false
    return true
  }
}

/** Whether any of these holds. */
export function some(operands: readonly Code<Truth>[]): Code<Truth> {
  const [first, second, third, ...others] = operands as [Code<Truth>, Code<Truth>, Code<Truth>?]
  if (third === undefined) return evaluation => first(evaluation) || second(evaluation)
  if (others.length === 0) return evaluation => first(evaluation) || second(evaluation) || third(evaluation)
  return evaluation => {
    for (const operand of operands) if (operand(evaluation)) return true
    return false
  }
}

/** What AND or OR of several values comes to; what is no boolean counts as undefined. */
export function threeValued(operator: 'AND' | 'OR', operands: readonly Code<Value>[]): Code<Truth> {
  const decisive = operator === 'OR'
  return evaluation => {
    let known = true
    for (const operand of operands) {
      const value = operand(evaluation)
      if (value === decisive) return decisive
      if (value !== !decisive) known = false
    }
    return known ? !decisive : undefined
  }
}

/** What AND or OR of two values comes to in the original when one is of the body: undefined unless both are booleans. */
export function bothBooleans(operator: 'AND' | 'OR', left: Code<Value>, right: Code<Value>): Code<Truth> {
  return evaluation => {
    const one = left(evaluation)
    const other = right(evaluation)
    if (typeof one !== 'boolean' || typeof other !== 'boolean') return undefined
    return operator === 'AND' ? one && other : one || other
  }
}

/** The opposite of a boolean. */
export function negated(value: Code<Value>): Code<Truth> {
  return evaluation => {
    const one = value(evaluation)
    return typeof one === 'boolean' ? !one : undefined
  }
}

/** The same code, run once per message however often it is asked. */
export function once<Result>(code: Code<Result>, memo: Memo<Result>): Code<Result> {
  return evaluation => {
    if (memo.turn !== evaluation.turn) {
      memo.value = code(evaluation)
      memo.turn = evaluation.turn
    }
    return memo.value as Result
  }
}
