import type { Checked, CheckedLogical, CheckedSystem } from '../check/checked.js'
import type { Semantics } from '../semantics.js'
import type { Code, ConditionCode, ExpressionCompiler, NumberCode, Truth } from './code.js'
import { compileNumberFunction, compileTest, compileTextFunction } from './compile-call.js'
import { comparisonValue, compileComparison } from './compile-comparison.js'
import type { Evaluation } from './evaluation.js'
import { bothBooleans, every, negated, once, some, threeValued } from './logic.js'
import { arithmetic, negation, numericValue } from './numbers.js'
import { Sharing } from './sharing.js'
import type { Text } from './text.js'
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
 * mostly none of three values but two questions, "is it true" and "is it false".
 *
 * What conditions that were noted ask alike is worked out once per message for all of them.
 */
export class Compiler implements ExpressionCompiler {
  readonly semantics: Semantics
  readonly evaluation: Evaluation
  readonly #textLength: number
  readonly #sharing = new Sharing()

  constructor({ semantics, evaluation, textLength }: CompilerOptions) {
    this.semantics = semantics
    this.evaluation = evaluation
    this.#textLength = textLength
  }

  /** Announces a condition that will be compiled. */
  note(condition: Checked): void {
    this.#sharing.note(condition)
  }

  /** Whether a condition is true. What AND joins may be asked in any order: what others ask too first, then what is quick. */
  condition(node: Checked): ConditionCode {
    const joined = node.kind === 'logical' && node.operator === 'AND' && !node.strict ? node.operands : [node]
    const quickFirst = joined.toSorted((a, b) => Number(isQuick(b)) - Number(isQuick(a)))
    const commonest = quickFirst.reduce((a, b) => (this.#sharing.count(b) > this.#sharing.count(a) ? b : a))
    const guard = this.#sharing.count(commonest) > 1 ? commonest : undefined
    const [first, ...others] = quickFirst.filter(part => part !== guard).map(part => this.holds(part, true))
    return {
      guard: guard && this.holds(guard, true),
      first: first ?? always,
      others: others.length > 1 ? every(others) : others[0],
    }
  }

  holds(node: Checked, wanted: boolean): Code<Truth> {
    const share = isQuick(node) ? same : (code: Code<Truth>) => this.#once(code)
    return this.#sharing.code(node, `is ${wanted}`, () => this.#holds(node, wanted), share)
  }

  #holds(node: Checked, wanted: boolean): Code<Truth> {
    switch (node.kind) {
      case 'literal':
        return node.value === wanted ? always : never
      case 'not':
        return this.holds(node.operand, !wanted)
      case 'comparison':
        return compileComparison(node, wanted, this)
      case 'logical': {
        if (node.strict) break
        const operands = node.operands.map(operand => this.holds(operand, wanted))
        return (node.operator === 'AND') === wanted ? every(operands) : some(operands)
      }
      case 'body': {
        if (node.path === undefined) return never
        const slot = this.evaluation.bodySlot(node.path)
        return evaluation => evaluation.bodyValue(slot) === wanted
      }
    }
    if (node.type === 'bool' && wanted && node.kind !== 'coalescence') return this.#truth(node)
    const value = this.value(node)
    return evaluation => value(evaluation) === wanted
  }

  #once<Result>(code: Code<Result>): Code<Result> {
    return once(code, this.evaluation.memo<Result>())
  }

  value(node: Checked): Code<Value> {
    switch (node.kind) {
      case 'literal': {
        const { value } = node
        return () => value
      }
      case 'body': {
        if (node.path === undefined) return nothing
        const slot = this.evaluation.bodySlot(node.path)
        return evaluation => evaluation.bodyValue(slot)
      }
      case 'shadow':
        return this.#propertyOr(node.name, this.value(node.otherwise))
      case 'coalescence':
        return this.#definedOr(this.value(node.left), this.value(node.right))
    }
    if (node.type === 'string') return this.text(node)
    return node.type === 'bool' ? this.#truth(node) : this.#numberValue(node)
  }

  #propertyOr(name: string, otherwise: Code<Value>): Code<Value> {
    const slot = this.evaluation.propertySlot(name)
    return evaluation => {
      const value = evaluation.property(slot)
      return value === undefined ? otherwise(evaluation) : value
    }
  }

  #definedOr(left: Code<Value>, right: Code<Value>): Code<Value> {
    const missingCounts = this.semantics === 'iotedge'
    return evaluation => {
      const value = left(evaluation)
      return value !== undefined && (missingCounts || value !== MISSING) ? value : right(evaluation)
    }
  }

  #truth(node: Checked): Code<Truth> {
    switch (node.kind) {
      case 'not':
        return negated(this.value(node.operand))
      case 'comparison':
        return comparisonValue(node, this)
      case 'logical':
        return this.#logical(node)
      case 'call':
        return compileTest(node, this)
      default:
        return nothing
    }
  }

  #logical({ operator, operands, strict }: CheckedLogical): Code<Truth> {
    const values = operands.map(operand => this.value(operand))
    return strict ? bothBooleans(operator, values[0]!, values[1]!) : threeValued(operator, values)
  }

  #numberValue(node: Checked): Code<Value> {
    const { load, register } = this.number(node)
    return evaluation => {
      load(evaluation)
      const number = evaluation.numbers[register]!
      return Number.isNaN(number) ? undefined : number
    }
  }

  text(node: Checked): Code<Text> {
    switch (node.kind) {
      case 'property': {
        const slot = this.evaluation.propertySlot(node.name)
        return evaluation => evaluation.property(slot)
      }
      case 'system':
        return systemProperty(node)
      case 'call': {
        if (node.type !== 'string') return nothing
        const make = () => compileTextFunction(node, this.#textLength, this)
        return this.#sharing.code(node, 'text', make, code => this.#once(code))
      }
    }
    const value = this.value(node)
    return evaluation => {
      const text = value(evaluation)
      return typeof text === 'string' || text === null ? text : undefined
    }
  }

  number(node: Checked): NumberCode {
    if (node.kind !== 'call' && node.kind !== 'arithmetic') return this.#number(node)
    const share = ({ load, register }: NumberCode) => ({ load: this.#once(load), register })
    return this.#sharing.code(node, 'number', () => this.#number(node), share)
  }

  #number(node: Checked): NumberCode {
    const register = this.evaluation.register()
    switch (node.kind) {
      case 'literal':
        return this.#constant(node.value, register)
      case 'negation':
        return { register, load: negation(this.number(node.operand), register) }
      case 'arithmetic': {
        const { operator, left, right } = node
        return { register, load: arithmetic(operator, this.number(left), this.number(right), register) }
      }
      case 'call':
        if (node.type === 'number') return { register, load: compileNumberFunction(node, register, this) }
    }
    return { register, load: numericValue(this.value(node), register) }
  }

  #constant(value: unknown, register: number): NumberCode {
    const constant = typeof value === 'number' ? value : Number.NaN
    this.evaluation.numbers[register] = constant
    return { register, load: nothing, constant }
  }
}

/** Whether asking again costs no more than remembering. */
function isQuick(node: Checked): boolean {
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
