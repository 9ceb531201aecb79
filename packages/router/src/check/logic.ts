import type { Semantics } from '../semantics.js'
import { type Span, spanning } from '../syntax/span.js'
import type { LogicalExpression } from '../syntax/tree.js'
import type { Checked, CheckedLiteral } from './checked.js'

type Refuse = (operand: Checked) => CheckedLiteral

/**
 * Joins checked operands by AND or OR. Null with anything under AND is null; under OR it gives way.
 *
 * The original takes a bare body value only as the very first operand, and then wants it and the second to turn out
 * booleans, else both together are undefined.
 */
export function resolveLogical(
  node: LogicalExpression,
  operands: readonly Checked[],
  semantics: Semantics,
  refuse: Refuse,
): Checked {
  const parts = semantics === 'iotedge' ? pairBodyValue(node.operator, operands, refuse) : operands
  const fitting = parts.map(part => (part.type === 'string' || part.type === 'number' ? refuse(part) : part))
  return join(node, fitting)
}

function pairBodyValue(operator: 'AND' | 'OR', operands: readonly Checked[], refuse: Refuse): readonly Checked[] {
  const [first, second, ...rest] = operands as readonly [Checked, Checked, ...Checked[]]
  const others = rest.map(operand => (operand.type === 'body' ? refuse(operand) : operand))
  if (first.type !== 'body') return [first, second.type === 'body' ? refuse(second) : second, ...others]
  if (second.type === 'null') return [first, refuse(second), ...others]
  const span = spanning(first, second)
  return [{ kind: 'logical', type: 'bool', operator, operands: [first, second], strict: true, ...span }, ...others]
}

function join(node: LogicalExpression, operands: readonly Checked[]): Checked {
  const { operator, start, end } = node
  if (operands.some(operand => operand.type === 'invalid')) return nothing('invalid', node)
  const parts = operands.filter(operand => operand.type !== 'null')
  const [first] = parts
  if (first === undefined || (operator === 'AND' && parts.length < operands.length)) return nothing('null', node)
  if (parts.length === 1) return { ...first, start, end }
  return { kind: 'logical', type: 'bool', operator, operands: parts, strict: false, start, end }
}

function nothing(type: 'invalid' | 'null', { start, end }: Span): CheckedLiteral {
  return { kind: 'literal', type, value: type === 'null' ? null : undefined, start, end }
}
