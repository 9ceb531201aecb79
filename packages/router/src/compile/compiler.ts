import type { Checked, CheckedCall, CheckedComparison, CheckedLogical, CheckedSystem } from '../check/checked.js'
import type { Semantics } from '../semantics.js'
import type { Code, ConditionCode, NumberCode } from './code.js'
import { dynamicComparison } from './compare.js'
import {
  compareBodyValue,
  compareNumbers,
  compareProperty,
  compareTexts,
  equalsText,
  MIRRORED,
  OPPOSITES,
} from './comparisons.js'
import type { Evaluation } from './evaluation.js'
import type { Text } from './text.js'
import { bothBooleans, every, once, some } from './logic.js'
import * as numbers from './numbers.js'
import { Sharing } from './sharing.js'
import { definedTest, originalNullTest, startTest, textTest, typeTest } from './tests.js'
import { changedCase, emptyForNull, joined, partOf, undefinedForNull } from './texts.js'
import { MISSING, type Value } from './value.js'

/** What compiling needs to know. */
export interface CompilerOptions {
  readonly semantics: Semantics
  /** The evaluation that the code will run on. */
  readonly evaluation: Evaluation
  /** Length that a text made by a function may have. */
  readonly textLength: number
}

/**
 * Turns checked conditions into closures: each expression has a form for the type it is known to have, and logic has
 * none of three values but two questions, "is it true" and "is it false".
 *
 * What conditions that were noted ask alike is worked out once per message for all of them.
 */
export class Compiler {
  readonly #semantics: Semantics
  readonly #evaluation: Evaluation
  readonly #textLength: number
  readonly #sharing = new Sharing()

  constructor(options: CompilerOptions) {
    this.#semantics = options.semantics
    this.#evaluation = options.evaluation
    this.#textLength = options.textLength
  }

  /** Announces a condition that will be compiled. */
  note(condition: Checked): void {
    this.#sharing.note(condition)
  }

  /** Whether an expression is exactly this boolean: neither the other, nor undefined, nor anything else. */
  holds(node: Checked, wanted: boolean): Code<boolean> {
    const share = isCheap(node) ? same : (code: Code<boolean>) => this.#once(code)
    return this.#sharing.code(node, `is ${wanted}`, () => this.#holds(node, wanted), share)
  }

  /** Whether a condition is true. What AND joins may be asked in any order: what others ask too first, then what is quick. */
  condition(node: Checked): ConditionCode {
    const joined = node.kind === 'logical' && node.operator === 'AND' && !node.strict ? node.operands : [node]
    const quickFirst = joined.toSorted((a, b) => Number(isCheap(b)) - Number(isCheap(a)))
    const commonest = quickFirst.reduce((a, b) => (this.#sharing.count(b) > this.#sharing.count(a) ? b : a))
    const guard = this.#sharing.count(commonest) > 1 ? commonest : undefined
    const [first, ...others] = quickFirst.filter(part => part !== guard).map(part => this.holds(part, true))
    return {
      guard: guard && this.holds(guard, true),
      first: first ?? always,
      others: others.length > 1 ? every(others) : others[0],
    }
  }

  #holds(node: Checked, wanted: boolean): Code<boolean> {
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
      case 'body': {
        if (node.path === undefined) return never
        const slot = this.#evaluation.bodySlot(node.path)
        return evaluation => evaluation.bodyValue(slot) === wanted
      }
      default: {
        const value = this.value(node)
        return evaluation => value(evaluation) === wanted
      }
    }
  }

  #once<Result>(code: Code<Result>): Code<Result> {
    return once(code, this.#evaluation.memo<Result>())
  }

  /** What an expression comes to, whatever its type. */
  value(node: Checked): Code<Value> {
    switch (node.kind) {
      case 'literal': {
        const { value } = node
        return () => value
      }
      case 'body': {
        if (node.path === undefined) return nothing
        const slot = this.#evaluation.bodySlot(node.path)
        return evaluation => evaluation.bodyValue(slot)
      }
      case 'shadow': {
        const slot = this.#evaluation.propertySlot(node.name)
        const otherwise = this.value(node.otherwise)
        return evaluation => {
          const value = evaluation.property(slot)
          return value === undefined ? otherwise(evaluation) : value
        }
      }
      case 'coalescence':
        return this.#coalescence(this.value(node.left), this.value(node.right))
      default:
        return this.#typedValue(node)
    }
  }

  #typedValue(node: Checked): Code<Value> {
    if (node.type === 'string') return this.text(node)
    if (node.type === 'bool') {
      const isTrue = this.holds(node, true)
      const isFalse = this.holds(node, false)
      return evaluation => (isTrue(evaluation) ? true : isFalse(evaluation) ? false : undefined)
    }
    const { load, register } = this.number(node)
    return evaluation => {
      load(evaluation)
      const number = evaluation.numbers[register]!
      return Number.isNaN(number) ? undefined : number
    }
  }

  #coalescence(left: Code<Value>, right: Code<Value>): Code<Value> {
    const missingCounts = this.#semantics === 'iotedge'
    return evaluation => {
      const value = left(evaluation)
      return value !== undefined && (missingCounts || value !== MISSING) ? value : right(evaluation)
    }
  }

  /** What a text expression comes to; undefined for anything else. */
  text(node: Checked): Code<Text> {
    switch (node.kind) {
      case 'property': {
        const slot = this.#evaluation.propertySlot(node.name)
        return evaluation => evaluation.property(slot)
      }
      case 'system':
        return systemProperty(node)
      case 'call':
        if (node.type !== 'string') return nothing
        return this.#sharing.code(
          node,
          'text',
          () => this.#textFunction(node),
          code => this.#once(code),
        )
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
  number(node: Checked): NumberCode {
    const share = ({ load, register }: NumberCode) => ({ load: this.#once(load), register })
    return node.kind === 'call'
      ? this.#sharing.code(node, 'number', () => this.#number(node), share)
      : this.#number(node)
  }

  #number(node: Checked): NumberCode {
    const register = this.#evaluation.register()
    switch (node.kind) {
      case 'literal':
        return this.#constant(node.value, register)
      case 'negation':
        return { register, load: numbers.negation(this.number(node.operand), register) }
      case 'arithmetic': {
        const { operator, left, right } = node
        return { register, load: numbers.arithmetic(operator, this.number(left), this.number(right), register) }
      }
      case 'call':
        return { register, load: this.#numberFunction(node, register) }
      default:
        return { register, load: numbers.numericValue(this.value(node), register) }
    }
  }

  #constant(value: unknown, register: number): NumberCode {
    const constant = typeof value === 'number' ? value : Number.NaN
    this.#evaluation.numbers[register] = constant
    return { register, load: nothing, constant }
  }

  #logical({ operator, operands, strict }: CheckedLogical, wanted: boolean): Code<boolean> {
    if (strict) return bothBooleans(operator, this.value(operands[0]!), this.value(operands[1]!), wanted)
    const codes = operands.map(operand => this.holds(operand, wanted))
    return (operator === 'AND') === wanted ? every(codes) : some(codes)
  }

  #comparison(node: CheckedComparison, wanted: boolean): Code<boolean> {
    const { operator, left, right } = node
    if (left.kind === 'literal' && right.kind !== 'literal') {
      return this.#comparison({ ...node, operator: MIRRORED[operator], left: right, right: left }, wanted)
    }
    const effective = wanted ? operator : OPPOSITES[operator]
    const written = right.kind === 'literal' ? right.value : undefined
    if (left.type === 'number' && right.type === 'number') {
      return compareNumbers(effective, this.number(left), this.number(right))
    }
    if (left.kind === 'property' && typeof written === 'string') {
      return compareProperty(effective, this.#evaluation.propertySlot(left.name), written)
    }
    if (left.type === 'string' && right.type === 'string') {
      if (effective === '=' && typeof written === 'string') return equalsText(this.text(left), written)
      return compareTexts(effective, this.text(left), this.text(right))
    }
    if (this.#semantics === 'edgewright' && left.kind === 'body' && left.path !== undefined && written !== undefined) {
      return compareBodyValue(effective, this.#evaluation.bodySlot(left.path), written)
    }
    return this.#dynamicComparison(node, wanted)
  }

  #dynamicComparison({ operator, left, right }: CheckedComparison, wanted: boolean): Code<boolean> {
    const compare = dynamicComparison(operator, this.#semantics)
    const one = this.#compared(left)
    const other = this.#compared(right)
    return evaluation => compare(one(evaluation), other(evaluation)) === wanted
  }

  /** A property that came without value compares with nothing. */
  #compared(node: Checked): Code<Value> {
    return node.type === 'string' ? undefinedForNull(this.text(node)) : this.value(node)
  }

  #test(node: CheckedCall, wanted: boolean): Code<boolean> {
    const { name } = node.builtin
    const [first, second] = node.operands as [Checked, Checked]
    switch (name) {
      case 'starts_with':
        if (second.kind === 'literal' && typeof second.value === 'string') {
          return startTest(this.text(first), second.value, wanted)
        }
        return textTest(name, this.text(first), this.text(second), wanted)
      case 'ends_with':
      case 'contains':
        return textTest(name, this.text(first), this.text(second), wanted)
      case 'is_defined':
        return definedTest(this.value(first), this.#semantics === 'iotedge', wanted)
      case 'is_null':
        if (this.#semantics === 'iotedge' && first.type === 'body') return originalNullTest(this.value(first), wanted)
        return typeTest(name, this.value(first), wanted)
      default:
        return typeTest(name as 'is_bool' | 'is_number' | 'is_string', this.value(first), wanted)
    }
  }

  #numberFunction(node: CheckedCall, register: number): Code<void> {
    const { name } = node.builtin
    const [first, second] = node.operands as [Checked, Checked]
    switch (name) {
      case 'as_number':
        return numbers.spelledNumber(this.value(first), this.#semantics === 'iotedge', register)
      case 'power':
        return numbers.powerOf(this.number(first), this.number(second), register)
      case 'length':
        return numbers.lengthOf(this.text(first), register)
      case 'index_of':
        return numbers.positionOf(this.text(first), this.text(second), register)
      default:
        return numbers.numberFunction(name as numbers.NumberFunctionName, this.number(first), register)
    }
  }

  #textFunction(node: CheckedCall): Code<Text> {
    const { name } = node.builtin
    const [first, start, length] = node.operands as [Checked, Checked, Checked?]
    if (name === 'lower' || name === 'upper') return changedCase(name, this.text(first))
    if (name === 'substring') return partOf(this.text(first), this.number(start), length && this.number(length))
    const parts = node.operands.map(part =>
      part.type === 'body' ? undefinedForNull(this.text(part)) : emptyForNull(this.text(part)),
    )
    return joined(parts, this.#textLength)
  }
}

/** Whether asking again costs no more than remembering. */
function isCheap(node: Checked): boolean {
  if (node.kind !== 'comparison') return node.kind !== 'call' && node.kind !== 'logical'
  const [one, other] = node.left.kind === 'literal' ? [node.right, node.left] : [node.left, node.right]
  return other.kind === 'literal' && (one.kind === 'property' || one.kind === 'body')
}

function same<Result>(code: Code<Result>): Code<Result> {
  return code
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
