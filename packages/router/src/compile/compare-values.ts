import type { ComparisonOperator } from '../check/checked.js'
import type { Semantics } from '../semantics.js'
import { MISSING, type Value } from './value.js'

/** Compares two values; undefined when they do not compare. */
export type Comparison = (left: Value, right: Value) => boolean | undefined

/** The comparison of values whose types are known only at run time. */
export function dynamicComparison(operator: ComparisonOperator, semantics: Semantics): Comparison {
  const isEquality = operator === '=' || operator === '!='
  const order = semantics === 'iotedge' ? originalOrder : isEquality ? equality : ordering
  return (left, right) => {
    const result = order(left, right)
    return Number.isNaN(result) ? undefined : satisfies(operator, result)
  }
}

/** Whether an order (negative, zero, positive) is what an operator asks for. */
function satisfies(operator: ComparisonOperator, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}

/**
 * Zero for equal values, one for others. Values of different types differ; nothing compares with what is not there or
 * with an object or array, except that null asks whether there is a value.
 */
function equality(left: Value, right: Value): number {
  if (left === undefined || right === undefined) return Number.NaN
  if (left === null) return right === null || right === MISSING ? 0 : 1
  if (right === null) return left === MISSING ? 0 : 1
  return typeof left === 'object' || typeof right === 'object' ? Number.NaN : left === right ? 0 : 1
}

/** Values of one type are ordered, others are not. Text is ordered by UTF-16 units. */
function ordering(left: Value, right: Value): number {
  if (left === null && right === null) return 0
  if (isScalar(left) && isScalar(right) && typeof left === typeof right) return orderOf(left, right)
  return Number.NaN
}

const ORIGINAL_RANKS: Readonly<Record<string, number>> = { boolean: 1, number: 2, string: 3 }
const ORIGINAL_NULL_RANK = 4

/** The original orders values of different types by their types: booleans, numbers, text, null. */
function originalOrder(left: Value, right: Value): number {
  if (left === undefined || right === undefined) return Number.NaN
  const leftRank = ORIGINAL_RANKS[typeof left] ?? ORIGINAL_NULL_RANK
  const rightRank = ORIGINAL_RANKS[typeof right] ?? ORIGINAL_NULL_RANK
  if (leftRank !== rightRank) return leftRank - rightRank
  return isScalar(left) && isScalar(right) ? orderOf(left, right) : 0
}

type Scalar = string | number | boolean

function isScalar(value: Value): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function orderOf(left: Scalar, right: Scalar): number {
  return left < right ? -1 : left > right ? 1 : 0
}
