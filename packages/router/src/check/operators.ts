import type { Semantics } from '../semantics.js'
import type { BinaryExpression } from '../syntax/tree.js'
import { BUILTINS } from './builtins.js'
import type { ArithmeticOperator, Checked, ComparisonOperator, StaticType } from './checked.js'
import { describeType, hintForComparison, hintForNumber } from './hints.js'
import type { Refusal } from './refusal.js'

/** Whether an operator compares. */
export function isComparison(operator: string): operator is ComparisonOperator {
  return ['=', '!=', '<', '<=', '>', '>='].includes(operator)
}

/** Checks two operands against the operator between them. */
export function checkBinary(
  node: BinaryExpression,
  left: Checked,
  right: Checked,
  semantics: Semantics,
  refusal: Refusal,
): Checked {
  switch (node.operator) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return checkArithmetic(node, node.operator, left, right, semantics, refusal)
    case '||':
      return checkConcatenation(node, left, right, refusal)
    case '??':
      return checkCoalescence(node, left, right, refusal)
    default:
      return checkComparison(node, node.operator, left, right, refusal)
  }
}

function checkArithmetic(
  { start, end }: BinaryExpression,
  operator: ArithmeticOperator,
  left: Checked,
  right: Checked,
  semantics: Semantics,
  refusal: Refusal,
): Checked {
  for (const operand of [left, right]) {
    const { type } = operand
    const dynamicModulo = operator === '%' && type === 'body' && semantics === 'iotedge'
    if (['number', 'body', 'invalid'].includes(type) && !dynamicModulo) continue
    const hint = hintForNumber(operand, refusal.quote(operand))
    const message = `${operator} cannot take ${describeType(type)}`
    return refusal.refuse(operand, { message, expected: 'a number', hint }, left, right)
  }
  const dynamic = semantics === 'iotedge' && (left.type === 'body' || right.type === 'body')
  return { kind: 'arithmetic', type: dynamic ? 'body' : 'number', operator, left, right, start, end }
}

function checkConcatenation(
  { start, end }: BinaryExpression,
  left: Checked,
  right: Checked,
  refusal: Refusal,
): Checked {
  for (const operand of [left, right]) {
    if (['string', 'body', 'invalid'].includes(operand.type)) continue
    const hint = operand.type === 'bool' ? 'Did you mean OR?' : undefined
    const message = `|| cannot take ${describeType(operand.type)}`
    return refusal.refuse(operand, { message, expected: 'a string', hint }, left, right)
  }
  return { kind: 'call', type: 'string', builtin: BUILTINS.get('concat')!, operands: [left, right], start, end }
}

function checkCoalescence(node: BinaryExpression, left: Checked, right: Checked, refusal: Refusal): Checked {
  const { start, end } = node
  if (!areComparable(left.type, right.type)) {
    const message = `?? cannot choose between ${describeType(left.type)} and ${describeType(right.type)}`
    const hint = 'Comparisons bind tighter than ??: put parentheses around it.'
    return refusal.refuse(node, { message, expected: 'two values of one type', hint }, left, right)
  }
  const type = left.type === 'body' || right.type === 'body' ? 'body' : left.type
  if (type === 'null' || type === 'undefined' || type === 'invalid') return { ...left, start, end }
  return { kind: 'coalescence', type, left, right, start, end }
}

function checkComparison(
  node: BinaryExpression,
  operator: ComparisonOperator,
  left: Checked,
  right: Checked,
  refusal: Refusal,
): Checked {
  const { start, end } = node
  if (areComparable(left.type, right.type)) {
    return { kind: 'comparison', type: 'bool', operator, left, right, start, end }
  }
  const message = `${operator} cannot compare ${describeType(left.type)} with ${describeType(right.type)}`
  const hint = hintForComparison(operator, left, right, span => refusal.quote(span))
  return refusal.refuse(node, { message, expected: 'two values of one type', hint }, left, right)
}

function areComparable(left: StaticType, right: StaticType): boolean {
  if (left === 'invalid' || right === 'invalid' || left === right) return true
  if (left !== 'body' && right !== 'body') return false
  return left !== 'undefined' && right !== 'undefined'
}
