import type { BinaryOperator } from './tree.js'

/** How tightly the operators between two operands bind; all of them to the left. Source: hub reference, 1.6. */
export const BINDING: Readonly<Record<BinaryOperator | 'AND' | 'OR', number>> = Object.freeze({
  '??': 1,
  OR: 2,
  AND: 3,
  '=': 4,
  '!=': 4,
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  '+': 6,
  '-': 6,
  '||': 6,
  '*': 7,
  '/': 7,
  '%': 7,
})

/** How tightly `-` and NOT bind their operand. */
export const UNARY_BINDING = 8
