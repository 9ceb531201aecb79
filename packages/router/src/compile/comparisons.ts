import type { ComparisonOperator } from '../check/checked.js'
import type { Code, NumberCode } from './code.js'
import type { BodySlot } from './body-lookup.js'
import type { Text } from './text.js'
import type { PropertySlot } from './property-lookup.js'
import { MISSING, type Value } from './value.js'

type Operators<T> = Readonly<Record<ComparisonOperator, T>>

/** The operator that holds exactly where the other one is false: both fail where either side is undefined. */
export const OPPOSITES: Operators<ComparisonOperator> = Object.freeze({
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
})

/** The operator that says the same with its sides exchanged. */
export const MIRRORED: Operators<ComparisonOperator> = Object.freeze({
  '=': '=',
  '!=': '!=',
  '<': '>',
  '>': '<',
  '<=': '>=',
  '>=': '<=',
})

/** NaN fails every comparison but `!==`, so that inequality asks for an order instead. */
const CONSTANT_COMPARISONS: Operators<(left: NumberCode, constant: number) => Code<boolean>> = {
  '=':
    ({ load, register }, constant) =>
    evaluation => {
      load(evaluation)
      return evaluation.numbers[register]! === constant
    },
  '!=':
    ({ load, register }, constant) =>
    evaluation => {
      load(evaluation)
      return evaluation.numbers[register]! < constant || evaluation.numbers[register]! > constant
    },
  '<':
    ({ load, register }, constant) =>
    evaluation => {
      load(evaluation)
      return evaluation.numbers[register]! < constant
    },
  '<=':
    ({ load, register }, constant) =>
    evaluation => {
      load(evaluation)
      return evaluation.numbers[register]! <= constant
    },
  '>':
    ({ load, register }, constant) =>
    evaluation => {
      load(evaluation)
      return evaluation.numbers[register]! > constant
    },
  '>=':
    ({ load, register }, constant) =>
    evaluation => {
      load(evaluation)
      return evaluation.numbers[register]! >= constant
    },
}

/** Whether two numbers compare so. */
export function compareNumbers(operator: ComparisonOperator, left: NumberCode, right: NumberCode): Code<boolean> {
  if (right.constant !== undefined) return CONSTANT_COMPARISONS[operator](left, right.constant)
  const target = left.register
  const compare = REGISTER_COMPARISONS[operator](target, right.register)
  return evaluation => {
    left.load(evaluation)
    right.load(evaluation)
    return compare(evaluation)
  }
}

const REGISTER_COMPARISONS: Operators<(left: number, right: number) => Code<boolean>> = {
  '=': (left, right) => evaluation => evaluation.numbers[left]! === evaluation.numbers[right]!,
  '!=':
    (left, right) =>
    ({ numbers }) =>
      numbers[left]! < numbers[right]! || numbers[left]! > numbers[right]!,
  '<': (left, right) => evaluation => evaluation.numbers[left]! < evaluation.numbers[right]!,
  '<=': (left, right) => evaluation => evaluation.numbers[left]! <= evaluation.numbers[right]!,
  '>': (left, right) => evaluation => evaluation.numbers[left]! > evaluation.numbers[right]!,
  '>=': (left, right) => evaluation => evaluation.numbers[left]! >= evaluation.numbers[right]!,
}

const TEXT_COMPARISONS: Operators<(left: string, right: string) => boolean> = {
  '=': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}

/** Whether two texts compare so: by UTF-16 units, and nothing with what is not there. */
export function compareTexts(operator: ComparisonOperator, left: Code<Text>, right: Code<Text>): Code<boolean> {
  const compare = TEXT_COMPARISONS[operator]
  return evaluation => {
    const one = left(evaluation)
    const other = right(evaluation)
    return typeof one === 'string' && typeof other === 'string' && compare(one, other)
  }
}

/** Whether a text is a written one. */
export function equalsText(text: Code<Text>, written: string): Code<boolean> {
  return evaluation => text(evaluation) === written
}

/** Whether a property compares so with a written text: the commonest condition there is. */
export function compareProperty(operator: ComparisonOperator, slot: PropertySlot, written: string): Code<boolean> {
  if (operator === '=') return evaluation => evaluation.property(slot) === written
  const compare = TEXT_COMPARISONS[operator]
  return evaluation => {
    const value = evaluation.property(slot)
    return typeof value === 'string' && compare(value, written)
  }
}

type Written = string | number | boolean

/** Whether a value of the body compares so with a written one, in the default semantics. */
export function compareBodyValue(operator: ComparisonOperator, slot: BodySlot, written: Written | null): Code<boolean> {
  if (written === null) return compareBodyWithNull(operator, slot)
  if (operator === '!=') return evaluation => differs(evaluation.bodyValue(slot), written)
  if (typeof written === 'number') return BODY_NUMBER_COMPARISONS[operator](slot, written)
  if (operator === '=') return evaluation => evaluation.bodyValue(slot) === written
  const [type, compare] = [typeof written, ORDERS[operator]]
  return evaluation => {
    const value = evaluation.bodyValue(slot)
    return typeof value === type && compare(value as typeof written, written)
  }
}

/** Null asks whether there is a value; only null is on a level with it. */
function compareBodyWithNull(operator: ComparisonOperator, slot: BodySlot): Code<boolean> {
  switch (operator) {
    case '=':
      return evaluation => isNothing(evaluation.bodyValue(slot))
    case '!=':
      return evaluation => {
        const value = evaluation.bodyValue(slot)
        return value !== undefined && !isNothing(value)
      }
    case '<=':
    case '>=':
      return evaluation => evaluation.bodyValue(slot) === null
    default:
      return () => false
  }
}

function isNothing(value: Value): boolean {
  return value === null || value === MISSING
}

type Order = Exclude<ComparisonOperator, '=' | '!='>

/** Numbers apart from texts: the engine compares values of one type much quicker. */
const BODY_NUMBER_COMPARISONS: Readonly<Record<Order | '=', (slot: BodySlot, written: number) => Code<boolean>>> = {
  '=': (slot, written) => evaluation => {
    const value = evaluation.bodyValue(slot)
    return typeof value === 'number' && value === written
  },
  '<': (slot, written) => evaluation => {
    const value = evaluation.bodyValue(slot)
    return typeof value === 'number' && value < written
  },
  '<=': (slot, written) => evaluation => {
    const value = evaluation.bodyValue(slot)
    return typeof value === 'number' && value <= written
  },
  '>': (slot, written) => evaluation => {
    const value = evaluation.bodyValue(slot)
    return typeof value === 'number' && value > written
  },
  '>=': (slot, written) => evaluation => {
    const value = evaluation.bodyValue(slot)
    return typeof value === 'number' && value >= written
  },
}

const ORDERS: Readonly<Record<Order, (left: string | boolean, right: string | boolean) => boolean>> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}

function differs(value: Value, written: Written): boolean {
  return value !== undefined && (value === null || typeof value !== 'object') && value !== written
}
