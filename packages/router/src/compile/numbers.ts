import type { ArithmeticOperator } from '../check/checked.js'
import type { Code, NumberCode } from './code.js'
import type { Text } from './text.js'
import { parseNumber } from './parse-number.js'
import { indexOf } from './search.js'
import type { Value } from './value.js'

type Operation = (left: number, right: number, target: number) => Code<void>

const OPERATIONS: Readonly<Record<ArithmeticOperator, Operation>> = {
  '+': (left, right, target) => evaluation => {
    evaluation.numbers[target] = evaluation.numbers[left]! + evaluation.numbers[right]!
  },
  '-': (left, right, target) => evaluation => {
    evaluation.numbers[target] = evaluation.numbers[left]! - evaluation.numbers[right]!
  },
  '*': (left, right, target) => evaluation => {
    evaluation.numbers[target] = evaluation.numbers[left]! * evaluation.numbers[right]!
  },
  '/': (left, right, target) => evaluation => {
    evaluation.numbers[target] = evaluation.numbers[left]! / evaluation.numbers[right]!
  },
  '%': (left, right, target) => evaluation => {
    evaluation.numbers[target] = evaluation.numbers[left]! % evaluation.numbers[right]!
  },
}

/** Arithmetic on two numbers. */
export function arithmetic(
  operator: ArithmeticOperator,
  left: NumberCode,
  right: NumberCode,
  target: number,
): Code<void> {
  const operate = OPERATIONS[operator](left.register, right.register, target)
  return evaluation => {
    left.load(evaluation)
    right.load(evaluation)
    operate(evaluation)
  }
}

/** A function of one number. */
export type NumberFunctionName = 'abs' | 'ceiling' | 'exp' | 'floor' | 'sign' | 'sqrt' | 'square'

const FUNCTIONS: Readonly<Record<NumberFunctionName, (operand: number, target: number) => Code<void>>> = {
  abs: (operand, target) => evaluation => {
    evaluation.numbers[target] = Math.abs(evaluation.numbers[operand]!)
  },
  ceiling: (operand, target) => evaluation => {
    evaluation.numbers[target] = Math.ceil(evaluation.numbers[operand]!)
  },
  exp: (operand, target) => evaluation => {
    evaluation.numbers[target] = Math.exp(evaluation.numbers[operand]!)
  },
  floor: (operand, target) => evaluation => {
    evaluation.numbers[target] = Math.floor(evaluation.numbers[operand]!)
  },
  sign: (operand, target) => evaluation => {
    evaluation.numbers[target] = Math.sign(evaluation.numbers[operand]!)
  },
  sqrt: (operand, target) => evaluation => {
    evaluation.numbers[target] = Math.sqrt(evaluation.numbers[operand]!)
  },
  square: (operand, target) => evaluation => {
    evaluation.numbers[target] = evaluation.numbers[operand]! * evaluation.numbers[operand]!
  },
}

/** `abs(x)` and its like. */
export function numberFunction(name: NumberFunctionName, operand: NumberCode, target: number): Code<void> {
  const apply = FUNCTIONS[name](operand.register, target)
  return evaluation => {
    operand.load(evaluation)
    apply(evaluation)
  }
}

/** `-x`. */
export function negation(operand: NumberCode, target: number): Code<void> {
  return evaluation => {
    operand.load(evaluation)
    evaluation.numbers[target] = -evaluation.numbers[operand.register]!
  }
}

/** `power(x, y)`, undefined when either is. */
export function powerOf(base: NumberCode, exponent: NumberCode, target: number): Code<void> {
  return evaluation => {
    base.load(evaluation)
    exponent.load(evaluation)
    const x = evaluation.numbers[base.register]!
    const y = evaluation.numbers[exponent.register]!
    evaluation.numbers[target] = Number.isNaN(x) || Number.isNaN(y) ? Number.NaN : x ** y
  }
}

/** `length(s)`. */
export function lengthOf(text: Code<Text>, target: number): Code<void> {
  return evaluation => {
    const one = text(evaluation)
    evaluation.numbers[target] = typeof one === 'string' ? one.length : Number.NaN
  }
}

/** `index_of(s, part)`. */
export function positionOf(text: Code<Text>, part: Code<Text>, target: number): Code<void> {
  return evaluation => {
    const one = text(evaluation)
    const other = part(evaluation)
    const found = typeof one === 'string' && typeof other === 'string'
    evaluation.numbers[target] = found ? indexOf(one, other) : Number.NaN
  }
}

/** `as_number(x)` of a text or of whatever the body holds. */
export function spelledNumber(value: Code<Value>, anyGroups: boolean, target: number): Code<void> {
  return evaluation => {
    const found = value(evaluation)
    evaluation.numbers[target] = typeof found === 'string' ? parseNumber(found, anyGroups) : numberOf(found)
  }
}

/** A value where a number is needed. */
export function numericValue(value: Code<Value>, target: number): Code<void> {
  return evaluation => {
    evaluation.numbers[target] = numberOf(value(evaluation))
  }
}

function numberOf(value: Value): number {
  return typeof value === 'number' ? value : Number.NaN
}
