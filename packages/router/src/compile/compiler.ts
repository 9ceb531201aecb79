import type {
  Checked,
  CheckedArithmetic,
  CheckedCall,
  CheckedComparison,
  CheckedLogical,
  CheckedSystem,
  ComparisonOperator,
} from '../check/checked.js'
import type { Semantics } from '../semantics.js'
import { bodyQuery } from './body-query.js'
import { dynamicComparison } from './compare.js'
import type { Evaluation } from './evaluation.js'
import { lower, NUMBER_FUNCTIONS, power, substring, TEXT_TESTS, type Text, upper } from './functions.js'
import { parseNumber } from './parse-number.js'
import { indexOf } from './search.js'
import { MISSING, type Value } from './value.js'

/** A part of a condition, ready to run. */
export type Code<Result> = (evaluation: Evaluation) => Result

/** What compiling needs to know. */
export interface CompilerOptions {
  readonly semantics: Semantics
  /** The evaluation whose slots the code will use. */
  readonly evaluation: Evaluation
  /** Length that a text made by a function may have. */
  readonly textLength: number
}

/**
 * Turns checked conditions into closures: each node has a form for the type it is known to have, and logic has none of
 * three values but two questions, "is it true" and "is it false", so that nothing is boxed or compared twice.
 */
export class Compiler {
  readonly #semantics: Semantics
  readonly #evaluation: Evaluation
  readonly #textLength: number

  constructor(options: CompilerOptions) {
    this.#semantics = options.semantics
    this.#evaluation = options.evaluation
    this.#textLength = options.textLength
  }

  /** Whether an expression is exactly this boolean: neither the other, nor undefined, nor anything else. */
  holds(node: Checked, wanted: boolean): Code<boolean> {
    switch (node.kind) {
      case 'literal':
        return node.value === wanted ? always : never
      case 'not':
        return this.holds(node.operand, !wanted)
      case 'comparison':
        return this.#comparison(node, wanted)
      case 'logical':
        return this.#logical(node, wanted)
      case 'call':
        return node.type === 'bool' ? this.#test(node, wanted) : never
      default: {
        const value = this.value(node)
        return evaluation => value(evaluation) === wanted
      }
    }
  }

  /** What an expression comes to, whatever its type. */
  value(node: Checked): Code<Value> {
    switch (node.kind) {
      case 'literal': {
        const { value } = node
        return () => value
      }
      case 'body':
        return bodyQuery(node.path, this.#semantics)
      case 'shadow': {
        const slot = this.#evaluation.slot(node.name)
        const otherwise = this.value(node.otherwise)
        return evaluation => {
          const value = evaluation.property(slot)
          return value === undefined ? otherwise(evaluation) : value
        }
      }
      case 'coalescence': {
        const [left, right] = [this.value(node.left), this.value(node.right)]
        return evaluation => {
          const value = left(evaluation)
          return this.#isDefined(value) ? value : right(evaluation)
        }
      }
      default:
        return this.#typedValue(node)
    }
  }

  #typedValue(node: Checked): Code<Value> {
    if (node.type === 'string') return this.text(node)
    if (node.type === 'bool') {
      const [isTrue, isFalse] = [this.holds(node, true), this.holds(node, false)]
      return evaluation => (isTrue(evaluation) ? true : isFalse(evaluation) ? false : undefined)
    }
    const number = this.number(node)
    return evaluation => {
      const value = number(evaluation)
      return Number.isNaN(value) ? undefined : value
    }
  }

  /** What a text expression comes to; undefined for anything else. */
  text(node: Checked): Code<Text> {
    switch (node.kind) {
      case 'property': {
        const slot = this.#evaluation.slot(node.name)
        return evaluation => evaluation.property(slot)
      }
      case 'system':
        return systemProperty(node)
      case 'call':
        return node.type === 'string' ? this.#textFunction(node) : nothing
      default: {
        const value = this.value(node)
        return evaluation => {
          const text = value(evaluation)
          return typeof text === 'string' || text === null ? text : undefined
        }
      }
    }
  }

  /** What a numeric expression comes to; NaN for undefined and for anything else. */
  number(node: Checked): Code<number> {
    switch (node.kind) {
      case 'negation': {
        const operand = this.number(node.operand)
        return evaluation => -operand(evaluation)
      }
      case 'arithmetic':
        return this.#arithmetic(node)
      case 'call':
        return node.type === 'number' ? this.#numberFunction(node) : () => Number.NaN
      default: {
        const value = this.value(node)
        return evaluation => {
          const number = value(evaluation)
          return typeof number === 'number' ? number : Number.NaN
        }
      }
    }
  }

  #isDefined(value: Value): boolean {
    return value !== undefined && (value !== MISSING || this.#semantics === 'iotedge')
  }

  #logical(node: CheckedLogical, wanted: boolean): Code<boolean> {
    if (node.strict) return this.#strictLogical(node, wanted)
    const operands = node.operands.map(operand => this.holds(operand, wanted))
    const all = (node.operator === 'AND') === wanted
    const [first, second] = operands as [Code<boolean>, Code<boolean>]
    if (operands.length === 2) {
      return all
        ? evaluation => first(evaluation) && second(evaluation)
        : evaluation => first(evaluation) || second(evaluation)
    }
    return evaluation => {
      for (const operand of operands) if (operand(evaluation) !== all) return !all
      return all
    }
  }

  #strictLogical(node: CheckedLogical, wanted: boolean): Code<boolean> {
    const [left, right] = node.operands.map(operand => this.value(operand)) as [Code<Value>, Code<Value>]
    const isAnd = node.operator === 'AND'
    return evaluation => {
      const [one, other] = [left(evaluation), right(evaluation)]
      if (typeof one !== 'boolean' || typeof other !== 'boolean') return false
      return (isAnd ? one && other : one || other) === wanted
    }
  }

  #comparison({ operator, left, right }: CheckedComparison, wanted: boolean): Code<boolean> {
    const effective = wanted ? operator : OPPOSITES[operator]
    if (left.type === 'number' && right.type === 'number') {
      return compareNumbers(effective, this.number(left), this.number(right))
    }
    if (left.type === 'string' && right.type === 'string') {
      return compareTexts(effective, this.text(left), this.text(right))
    }
    const compare = dynamicComparison(operator, this.#semantics)
    const [one, other] = [this.#compared(left), this.#compared(right)]
    return evaluation => compare(one(evaluation), other(evaluation)) === wanted
  }

  /** A property that came without value compares with nothing. */
  #compared(node: Checked): Code<Value> {
    if (node.type !== 'string') return this.value(node)
    const text = this.text(node)
    return evaluation => text(evaluation) ?? undefined
  }

  #arithmetic({ operator, left, right }: CheckedArithmetic): Code<number> {
    const [a, b] = [this.number(left), this.number(right)]
    switch (operator) {
      case '+':
        return evaluation => a(evaluation) + b(evaluation)
      case '-':
        return evaluation => a(evaluation) - b(evaluation)
      case '*':
        return evaluation => a(evaluation) * b(evaluation)
      case '/':
        return evaluation => a(evaluation) / b(evaluation)
      case '%':
        return evaluation => a(evaluation) % b(evaluation)
    }
  }

  #test(node: CheckedCall, wanted: boolean): Code<boolean> {
    const { name } = node.builtin
    const [first, second] = node.operands as [Checked, Checked]
    switch (name) {
      case 'starts_with':
      case 'ends_with':
      case 'contains': {
        const test = TEXT_TESTS[name]
        const [text, part] = [this.text(first), this.text(second)]
        return evaluation => {
          const [one, other] = [text(evaluation), part(evaluation)]
          return typeof one === 'string' && typeof other === 'string' && test(one, other) === wanted
        }
      }
      case 'is_defined': {
        const value = this.value(first)
        return evaluation => this.#isDefined(value(evaluation)) === wanted
      }
      case 'is_null':
        return this.#isNull(first, wanted)
      default: {
        const test = TYPE_TESTS[name as keyof typeof TYPE_TESTS]
        const value = this.value(first)
        return evaluation => test(value(evaluation)) === wanted
      }
    }
  }

  #isNull(operand: Checked, wanted: boolean): Code<boolean> {
    const value = this.value(operand)
    if (this.#semantics === 'edgewright' || operand.type !== 'body') {
      return evaluation => (value(evaluation) === null) === wanted
    }
    return evaluation => {
      const found = value(evaluation)
      return found !== undefined && (found !== MISSING) === wanted
    }
  }

  #numberFunction(node: CheckedCall): Code<number> {
    const { name } = node.builtin
    const [first, second] = node.operands as [Checked, Checked]
    switch (name) {
      case 'as_number':
        return this.#asNumber(first)
      case 'power': {
        const [x, y] = [this.number(first), this.number(second)]
        return evaluation => power(x(evaluation), y(evaluation))
      }
      case 'length': {
        const text = this.text(first)
        return evaluation => text(evaluation)?.length ?? Number.NaN
      }
      case 'index_of': {
        const [text, part] = [this.text(first), this.text(second)]
        return evaluation => {
          const [one, other] = [text(evaluation), part(evaluation)]
          return typeof one === 'string' && typeof other === 'string' ? indexOf(one, other) : Number.NaN
        }
      }
      default: {
        const apply = NUMBER_FUNCTIONS[name as keyof typeof NUMBER_FUNCTIONS]
        const operand = this.number(first)
        return evaluation => apply(operand(evaluation))
      }
    }
  }

  #asNumber(operand: Checked): Code<number> {
    if (operand.type === 'number') return this.number(operand)
    const anyGroups = this.#semantics === 'iotedge'
    const value = this.value(operand)
    return evaluation => {
      const found = value(evaluation)
      if (typeof found === 'string') return parseNumber(found, anyGroups)
      return typeof found === 'number' ? found : Number.NaN
    }
  }

  #textFunction(node: CheckedCall): Code<Text> {
    const { name } = node.builtin
    const [first, start, length] = node.operands as [Checked, Checked, Checked?]
    const text = this.text(first)
    if (name === 'concat') return this.#concat(node.operands)
    if (name !== 'substring') {
      const change = name === 'lower' ? lower : upper
      return evaluation => {
        const one = text(evaluation)
        return typeof one === 'string' ? change(one) : undefined
      }
    }
    const from = this.number(start)
    const count = length === undefined ? undefined : this.number(length)
    return evaluation => {
      const one = text(evaluation)
      return typeof one === 'string' ? substring(one, from(evaluation), count?.(evaluation)) : undefined
    }
  }

  #concat(operands: readonly Checked[]): Code<Text> {
    const parts = operands.map(operand => this.#joined(operand))
    const limit = this.#textLength
    return evaluation => {
      let joined = ''
      for (const part of parts) {
        const text = part(evaluation)
        if (text === undefined || joined.length + text.length > limit) return undefined
        joined += text
      }
      return joined
    }
  }

  /** A property that came without value joins as an empty text, null in a body does not. */
  #joined(node: Checked): Code<string | undefined> {
    const text = this.text(node)
    if (node.type === 'body') return evaluation => text(evaluation) ?? undefined
    return evaluation => {
      const one = text(evaluation)
      return one === null ? '' : one
    }
  }
}

const TYPE_TESTS = {
  is_bool: (value: Value) => typeof value === 'boolean',
  is_number: (value: Value) => Number.isFinite(value),
  is_string: (value: Value) => typeof value === 'string',
} as const

const OPPOSITES: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
}

function always(): true {
  return true
}

function never(): false {
  return false
}

function nothing(): undefined {}

function systemProperty({ field }: CheckedSystem): Code<Text> {
  if (field === undefined) return nothing
  return evaluation => {
    const value = evaluation.message.system[field]
    return typeof value === 'number' ? String(value) : value
  }
}

/** NaN fails every comparison but `!=`, which asks for an order instead. */
function compareNumbers(operator: ComparisonOperator, left: Code<number>, right: Code<number>): Code<boolean> {
  switch (operator) {
    case '=':
      return evaluation => left(evaluation) === right(evaluation)
    case '!=':
      return evaluation => {
        const [one, other] = [left(evaluation), right(evaluation)]
        return one < other || one > other
      }
    case '<':
      return evaluation => left(evaluation) < right(evaluation)
    case '<=':
      return evaluation => left(evaluation) <= right(evaluation)
    case '>':
      return evaluation => left(evaluation) > right(evaluation)
    case '>=':
      return evaluation => left(evaluation) >= right(evaluation)
  }
}

function compareTexts(operator: ComparisonOperator, left: Code<Text>, right: Code<Text>): Code<boolean> {
  const compare = TEXT_COMPARISONS[operator]
  return evaluation => {
    const [one, other] = [left(evaluation), right(evaluation)]
    return typeof one === 'string' && typeof other === 'string' && compare(one, other)
  }
}

const TEXT_COMPARISONS: Readonly<Record<ComparisonOperator, (left: string, right: string) => boolean>> = {
  '=': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
}
