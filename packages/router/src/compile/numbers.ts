import type { ArithmeticOperator } from '../check/checked.js'
import type { Code, NumberCode } from './code.js'
import type { Text } from './functions.js'
import { NUMBER_FUNCTIONS, power } from './functions.js'
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
export function numberFunction(name: keyof typeof NUMBER_FUNCTIONS, operand: NumberCode, target: number): Code<void> {
  const apply = NUMBER_FUNCTIONS[name]
  return evaluation => {
    operand.load(evaluation)
    evaluation.numbers[target] = apply(evaluation.numbers[operand.register]!)
  }
}

/** `-x`. */
export function negation(operand: NumberCode, target: number): Code<void> {
  return evaluation => {
    operand.load(evaluation)
    evaluation.numbers[target] = -evaluation.numbers[operand.register]!
  }
}

/** `power(x, y)`. */
export function powerOf(base: NumberCode, exponent: NumberCode, target: number): Code<void> {
  return evaluation => {
    base.load(evaluation)
    exponent.load(evaluation)
    evaluation.numbers[target] = power(evaluation.numbers[base.register]!, evaluation.numbers[exponent.register]!)
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
