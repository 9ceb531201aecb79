import type { Semantics } from '../semantics.js'
import type { Problems } from '../syntax/problem.js'
import type {
  BinaryExpression,
  BodyExpression,
  CallExpression,
  Expression,
  LogicalExpression,
  SystemExpression,
  UnaryExpression,
} from '../syntax/tree.js'
import { BUILTINS, type Builtin, describeSignature, type OperandType } from './builtins.js'
import type { Checked, CheckedBody, CheckedLiteral, CheckedSystem, StaticType } from './checked.js'
import { describeType, hintForNumber, hintForTruth } from './hints.js'
import { resolveLogical } from './logic.js'
import { checkBinary, isComparison } from './operators.js'
import { Refusal } from './refusal.js'
import { closest } from './suggest.js'
import { systemProperty } from './system-properties.js'

/** What checking needs to know. */
export interface CheckOptions {
  readonly semantics: Semantics
  /** The rule's text, for suggestions that quote it. */
  readonly text: string
}

const A_TEST = 'a test or a comparison'

/**
 * Resolves the names of a condition and checks that its parts fit together. Problems go to `problems`; what they
 * concern gets the type `invalid`, which fits everywhere, so that one mistake is reported once.
 */
export function checkCondition(condition: Expression, problems: Problems, options: CheckOptions): Checked {
  return new Checker(options.semantics, new Refusal(problems, options.text)).condition(condition)
}

class Checker {
  readonly #semantics: Semantics
  readonly #refusal: Refusal

  constructor(semantics: Semantics, refusal: Refusal) {
    this.#semantics = semantics
    this.#refusal = refusal
  }

  condition(expression: Expression): Checked {
    const checked = this.#check(expression)
    if (canBeTrue(checked.type) || this.#semantics === 'iotedge') return checked
    const message = `a condition is true or false, this is ${describeType(checked.type)}`
    return this.#refusal.refuse(checked, { message, expected: A_TEST, hint: this.#hintForTruth(checked) })
  }

  #check(node: Expression): Checked {
    switch (node.kind) {
      case 'literal':
        return { kind: 'literal', type: literalType(node.value), value: node.value, start: node.start, end: node.end }
      case 'property':
        return { kind: 'property', type: 'string', name: node.name, start: node.start, end: node.end }
      case 'system':
        return this.#system(node)
      case 'body':
        return this.#body(node)
      case 'call':
        return this.#call(node)
      case 'unary':
        return this.#unary(node, this.#check(node.operand))
      case 'binary':
        return checkBinary(node, this.#leftOperand(node), this.#check(node.right), this.#semantics, this.#refusal)
      case 'logical':
        return this.#logical(node)
      case 'invalid':
        return { kind: 'literal', type: 'invalid', value: undefined, start: node.start, end: node.end }
    }
  }

  #system(node: SystemExpression): Checked {
    const { name, start, end } = node
    const known = systemProperty(name, this.#semantics)
    const system: CheckedSystem = { kind: 'system', type: 'string', name, field: known?.field, start, end }
    if (node.braced) return system
    if (this.#semantics === 'iotedge') {
      return { kind: 'shadow', type: 'string', name: `$${name}`, otherwise: system, start, end }
    }
    return known === undefined ? { kind: 'property', type: 'string', name: `$${name}`, start, end } : system
  }

  #body(node: BodyExpression): Checked {
    const { path, name, start, end } = node
    const body: CheckedBody = { kind: 'body', type: 'body', path, start, end }
    const canBeShadowed = this.#semantics === 'iotedge' && !node.braced && !/[[\]]/.test(name)
    return canBeShadowed ? { kind: 'shadow', type: 'body', name, otherwise: body, start, end } : body
  }

  #call(node: CallExpression): Checked {
    const operands = node.operands.map(operand => this.#check(operand))
    const builtin = BUILTINS.get(node.name.toLowerCase())
    if (builtin === undefined) {
      const suggestion = closest(node.name, BUILTINS.keys())
      const hint = suggestion === undefined ? undefined : `Did you mean ${suggestion}?`
      return this.#refusal.refuse(node.nameSpan, { message: `there is no function ${node.name}`, hint })
    }
    const accepted = builtin.signatures.some(signature => {
      const expected = expectedOperands(builtin, signature.operands, operands.length)
      return expected !== undefined && operands.every((operand, index) => accepts(expected[index]!, operand.type))
    })
    if (!accepted) return this.#wrongOperands(node, builtin, operands)
    return { kind: 'call', type: builtin.result, builtin, operands, start: node.start, end: node.end }
  }

  #wrongOperands(node: CallExpression, builtin: Builtin, operands: readonly Checked[]): Checked {
    const expected = builtin.signatures.map(signature => describeSignature(builtin.name, signature)).join(' or ')
    const given = operands.map(operand => describeType(operand.type)).join(', ') || 'nothing'
    const wantsNumber = builtin.signatures[0]!.operands[0] === 'number'
    const text = operands.find(operand => operand.type === 'string')
    const hint = wantsNumber && text !== undefined ? hintForNumber(text, this.#refusal.quote(text)) : undefined
    return this.#refusal.refuse(node, { message: `${builtin.name} cannot take ${given}`, expected, hint })
  }

  #unary(node: UnaryExpression, operand: Checked): Checked {
    const { start, end, operator } = node
    const { type } = operand
    const dynamic = type === 'body' && (operator === 'NOT' || this.#semantics === 'edgewright')
    if (operator === 'NOT') {
      if (type === 'null') return { kind: 'literal', type: 'bool', value: true, start, end }
      if (type === 'bool' || dynamic) return { kind: 'not', type: 'bool', operand, start, end }
    } else if (type === 'number' || dynamic) {
      return { kind: 'negation', type: 'number', operand, start, end }
    }
    const [expected, hint] =
      operator === 'NOT'
        ? [A_TEST, this.#hintForTruth(operand)]
        : ['a number', hintForNumber(operand, this.#refusal.quote(operand))]
    const message = `${operator} cannot take ${describeType(type)}`
    return this.#refusal.refuse(node, { message, expected, hint }, operand)
  }

  /** NOT binds tighter than comparisons, which few expect: say so where it shows. */
  #leftOperand({ left, operator, end }: BinaryExpression): Checked {
    const isOpenNot = left.kind === 'unary' && left.operator === 'NOT' && !this.#refusal.isParenthesised(left)
    if (!isOpenNot || !isComparison(operator)) return this.#check(left)
    const operand = this.#check(left.operand)
    if (operand.type !== 'string' && operand.type !== 'number') return this.#unary(left, operand)
    const whole = this.#refusal.quote({ start: left.operand.start, end })
    const hint = whole === undefined ? undefined : `Did you mean NOT (${whole})?`
    return this.#refusal.refuse(
      left,
      { message: `NOT binds tighter than ${operator}`, expected: A_TEST, hint },
      operand,
    )
  }

  #logical(node: LogicalExpression): Checked {
    const operands = node.operands.map(operand => this.#check(operand))
    return resolveLogical(node, operands, this.#semantics, operand => {
      const message = `${node.operator} cannot take ${describeType(operand.type)}`
      return this.#refusal.refuse(operand, { message, expected: A_TEST, hint: this.#hintForTruth(operand) }, operand)
    })
  }

  #hintForTruth(operand: Checked): string | undefined {
    return hintForTruth(operand, this.#refusal.quote(operand))
  }
}

function canBeTrue(type: StaticType): boolean {
  return type !== 'string' && type !== 'number'
}

function literalType(value: CheckedLiteral['value']): CheckedLiteral['type'] {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  return typeof value === 'boolean' ? 'bool' : (typeof value as 'string' | 'number')
}

function accepts(expected: OperandType, given: StaticType): boolean {
  return expected === 'any' || given === expected || given === 'body' || given === 'invalid'
}

function expectedOperands(builtin: Builtin, operands: readonly OperandType[], count: number) {
  if (count === operands.length) return operands
  if (builtin.signatures[0]!.variadic === undefined || count < operands.length) return undefined
  return Array.from({ length: count }, (_, index) => operands[Math.min(index, operands.length - 1)]!)
}
