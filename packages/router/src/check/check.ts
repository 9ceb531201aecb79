import type { Semantics } from '../semantics.js'
import type { Problems } from '../syntax/problem.js'
import type { Span } from '../syntax/span.js'
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
import type {
  ArithmeticOperator,
  Checked,
  CheckedBody,
  CheckedLiteral,
  CheckedSystem,
  ComparisonOperator,
  StaticType,
} from './checked.js'
import { describeType, hintForComparison, hintForNumber, hintForTruth } from './hints.js'
import { resolveLogical } from './logic.js'
import { closest } from './suggest.js'
import { systemProperty } from './system-properties.js'

/** What checking needs to know. */
export interface CheckOptions {
  readonly semantics: Semantics
  /** The rule's text, for suggestions that quote it. */
  readonly text: string
}

/**
 * Resolves the names of a condition and checks that its parts fit together. Problems go to `problems`; what they
 * concern gets the type `invalid`, which fits everywhere, so that one mistake is reported once.
 */
export function checkCondition(condition: Expression, problems: Problems, options: CheckOptions): Checked {
  return new Checker(problems, options).condition(condition)
}

class Checker {
  readonly #problems: Problems
  readonly #semantics: Semantics
  readonly #text: string

  constructor(problems: Problems, options: CheckOptions) {
    this.#problems = problems
    this.#semantics = options.semantics
    this.#text = options.text
  }

  condition(expression: Expression): Checked {
    const checked = this.#check(expression)
    const truth = ['bool', 'null', 'undefined', 'body', 'invalid'].includes(checked.type)
    if (truth || this.#semantics === 'iotedge') return checked
    const message = `a condition is true or false, this is ${describeType(checked.type)}`
    return this.#refuse(checked, message, 'a comparison or a test', hintForTruth(checked, this.#quote(checked)))
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
        return node.operator === 'NOT' ? this.#not(node) : this.#negation(node)
      case 'binary':
        return this.#binary(node)
      case 'logical':
        return this.#logical(node)
      case 'invalid':
        return invalid(node)
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
      return this.#refuse(node.nameSpan, `there is no function ${node.name}`, undefined, hint)
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
    const hint = wantsNumber && text !== undefined ? hintForNumber(text, this.#quote(text)) : undefined
    return this.#refuse(node, `${builtin.name} cannot take ${given}`, expected, hint)
  }

  #not(node: UnaryExpression): Checked {
    const operand = this.#check(node.operand)
    const { start, end } = node
    if (operand.type === 'null') return { kind: 'literal', type: 'bool', value: true, start, end }
    if (operand.type === 'bool' || operand.type === 'body') return { kind: 'not', type: 'bool', operand, start, end }
    const hint = hintForTruth(operand, this.#quote(operand))
    return this.#refuse(node, `NOT cannot take ${describeType(operand.type)}`, 'a test or a comparison', hint, operand)
  }

  #negation(node: UnaryExpression): Checked {
    const operand = this.#check(node.operand)
    const { start, end } = node
    const dynamic = operand.type === 'body' && this.#semantics === 'edgewright'
    if (operand.type === 'number' || dynamic) return { kind: 'negation', type: 'number', operand, start, end }
    const hint = hintForNumber(operand, this.#quote(operand))
    return this.#refuse(node, `- cannot take ${describeType(operand.type)}`, 'a number', hint, operand)
  }

  #binary(node: BinaryExpression): Checked {
    const left = this.#leftOperand(node)
    const right = this.#check(node.right)
    switch (node.operator) {
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return this.#arithmetic(node, node.operator, left, right)
      case '||':
        return this.#concatenation(node, left, right)
      case '??':
        return this.#coalescence(node, left, right)
      default:
        return this.#comparison(node, node.operator, left, right)
    }
  }

  /** NOT binds tighter than comparisons, which few expect: say so where it shows. */
  #leftOperand(node: BinaryExpression): Checked {
    const { left } = node
    const open = left.kind === 'unary' && left.operator === 'NOT' && this.#text[left.start] !== '('
    if (!open || !isComparison(node.operator)) return this.#check(left)
    const operand = this.#check(left.operand)
    if (['bool', 'body', 'null', 'invalid'].includes(operand.type)) return this.#check(left)
    const whole = this.#quote({ start: left.operand.start, end: node.end })
    const hint = whole === undefined ? undefined : `Did you mean NOT (${whole})?`
    return this.#refuse(left, `NOT binds tighter than ${node.operator}`, 'a test or a comparison', hint, operand)
  }

  #arithmetic(node: BinaryExpression, operator: ArithmeticOperator, left: Checked, right: Checked): Checked {
    const { start, end } = node
    for (const operand of [left, right]) {
      const dynamicModulo = operator === '%' && operand.type === 'body' && this.#semantics === 'iotedge'
      if (accepts('number', operand.type) && !dynamicModulo) continue
      const hint = hintForNumber(operand, this.#quote(operand))
      return this.#refuse(
        operand,
        `${operator} cannot take ${describeType(operand.type)}`,
        'a number',
        hint,
        left,
        right,
      )
    }
    const dynamic = this.#semantics === 'iotedge' && (left.type === 'body' || right.type === 'body')
    return { kind: 'arithmetic', type: dynamic ? 'body' : 'number', operator, left, right, start, end }
  }

  #concatenation(node: BinaryExpression, left: Checked, right: Checked): Checked {
    const { start, end } = node
    for (const operand of [left, right]) {
      if (accepts('string', operand.type)) continue
      const hint = operand.type === 'bool' ? 'Did you mean OR?' : undefined
      return this.#refuse(operand, `|| cannot take ${describeType(operand.type)}`, 'a string', hint, left, right)
    }
    return { kind: 'call', type: 'string', builtin: BUILTINS.get('concat')!, operands: [left, right], start, end }
  }

  #coalescence(node: BinaryExpression, left: Checked, right: Checked): Checked {
    const { start, end } = node
    if (!this.#comparable(left.type, right.type)) {
      const message = `?? cannot choose between ${describeType(left.type)} and ${describeType(right.type)}`
      return this.#refuse(node, message, 'two values of one type', COALESCE_HINT, left, right)
    }
    const type = left.type === 'body' || right.type === 'body' ? 'body' : left.type
    if (type === 'null' || type === 'undefined' || type === 'invalid') return { ...left, start, end }
    return { kind: 'coalescence', type, left, right, start, end }
  }

  #comparison(node: BinaryExpression, operator: ComparisonOperator, left: Checked, right: Checked): Checked {
    const { start, end } = node
    if (this.#comparable(left.type, right.type)) {
      return { kind: 'comparison', type: 'bool', operator, left, right, start, end }
    }
    const message = `${operator} cannot compare ${describeType(left.type)} with ${describeType(right.type)}`
    const hint = hintForComparison(operator, left, right, span => this.#quote(span))
    return this.#refuse(node, message, 'two values of one type', hint, left, right)
  }

  #comparable(left: StaticType, right: StaticType): boolean {
    if (left === 'invalid' || right === 'invalid' || left === right) return true
    if (left !== 'body' && right !== 'body') return false
    return left !== 'undefined' && right !== 'undefined'
  }

  #logical(node: LogicalExpression): Checked {
    const operands = node.operands.map(operand => this.#check(operand))
    return resolveLogical(node, operands, this.#semantics, operand => {
      const hint = hintForTruth(operand, this.#quote(operand))
      const message = `${node.operator} cannot take ${describeType(operand.type)}`
      return this.#refuse(operand, message, 'a test or a comparison', hint, operand)
    })
  }

  /** Reports a problem, unless it only follows from an operand that was reported already. */
  #refuse(
    span: Span,
    message: string,
    expected: string | undefined,
    hint: string | undefined,
    ...operands: readonly Checked[]
  ): CheckedLiteral {
    const { start, end } = span
    if (!operands.some(operand => operand.type === 'invalid')) {
      this.#problems.add({ code: 'ROUTE_TYPE', span: { start, end }, message, expected, hint })
    }
    return invalid(span)
  }

  /** The text of a part, when it is short enough to quote. */
  #quote(span: Span): string | undefined {
    return span.end - span.start <= MAX_QUOTE ? this.#text.slice(span.start, span.end) : undefined
  }
}

const MAX_QUOTE = 80
const COALESCE_HINT = 'Comparisons bind tighter than ??: put parentheses around it.'

function invalid({ start, end }: Span): CheckedLiteral {
  return { kind: 'literal', type: 'invalid', value: undefined, start, end }
}

function literalType(value: CheckedLiteral['value']): CheckedLiteral['type'] {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  return typeof value === 'boolean' ? 'bool' : (typeof value as 'string' | 'number')
}

function isComparison(operator: string): operator is ComparisonOperator {
  return ['=', '!=', '<', '<=', '>', '>='].includes(operator)
}

function accepts(expected: OperandType, given: StaticType): boolean {
  return expected === 'any' || given === expected || given === 'body' || given === 'invalid'
}

function expectedOperands(builtin: Builtin, operands: readonly OperandType[], count: number) {
  if (count === operands.length) return operands
  if (builtin.signatures[0]!.variadic === undefined || count < operands.length) return undefined
  return Array.from({ length: count }, (_, index) => operands[Math.min(index, operands.length - 1)]!)
}
