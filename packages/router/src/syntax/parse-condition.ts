import { parseSystem } from './body-path.js'
import type { TokenCursor } from './cursor.js'
import type { Semantics } from '../semantics.js'
import { BINDING } from './operators.js'
import { type Span, spanning } from './span.js'
import type { Token, TokenKind } from './token.js'
import type { BinaryOperator, Expression } from './tree.js'

const A_VALUE = 'a property, a value or a function'

/** What reading a condition needs to know. */
export interface ConditionOptions {
  readonly semantics: Semantics
  /** Levels that may lie within one another. */
  readonly depth: number
}

/** Reads a condition and stops before the first token that cannot continue it. Problems go to the cursor. */
export function parseCondition(cursor: TokenCursor, options: ConditionOptions): Expression {
  return new ConditionParser(cursor, options).binary(0, 0)
}

class ConditionParser {
  readonly #cursor: TokenCursor
  readonly #options: ConditionOptions
  /** Levels below each node that was made: chains like `a + b + c` nest without the parser nesting. */
  readonly #heights = new WeakMap<Expression, number>()
  #gaveUp = false

  constructor(cursor: TokenCursor, options: ConditionOptions) {
    this.#cursor = cursor
    this.#options = options
  }

  /** Operands joined by operators that bind tighter than `binding`, at this many levels of nesting. */
  binary(binding: number, depth: number): Expression {
    let left = this.#unary(depth)
    for (;;) {
      const operator = this.#cursor.current
      const strength = strengthOf(operator.kind)
      if (strength === undefined || strength <= binding) return left
      if (operator.kind === 'AND' || operator.kind === 'OR') {
        left = this.#logical(operator.kind, left, strength, depth)
        continue
      }
      this.#cursor.next()
      this.#refuseDoubled(operator)
      const right = this.binary(strength, depth + 1)
      const kind = operator.kind === '<>' ? '!=' : (operator.kind as BinaryOperator)
      left = this.#node({ kind: 'binary', operator: kind, left, right, ...spanning(left, right) }, left, right)
    }
  }

  #logical(operator: 'AND' | 'OR', first: Expression, strength: number, depth: number): Expression {
    const operands = [first]
    while (this.#cursor.take(operator) !== undefined) operands.push(this.binary(strength, depth + 1))
    return this.#node({ kind: 'logical', operator, operands, ...spanning(first, operands.at(-1)!) }, ...operands)
  }

  #unary(depth: number): Expression {
    if (depth > this.#options.depth) return this.#tooDeep()
    const operator = this.#cursor.takeAny('NOT', '-')
    if (operator === undefined) return this.#primary(depth)
    const operand = this.#unary(depth + 1)
    const span = spanning(operator, operand)
    if (operator.kind === '-' && operand.kind === 'literal' && typeof operand.value === 'number' && operand.value > 0) {
      return { kind: 'literal', value: -operand.value, ...span }
    }
    return this.#node({ kind: 'unary', operator: operator.kind, operand, ...span }, operand)
  }

  #primary(depth: number): Expression {
    const token = this.#cursor.current
    const span = { start: token.start, end: token.end }
    switch (token.kind) {
      case 'string':
      case 'literal':
        this.#cursor.next()
        return { kind: 'literal', value: token.value, ...span }
      case 'name':
        this.#cursor.next()
        if (this.#cursor.at('(')) return this.#call(token.text, span, depth)
        return { kind: 'property', name: token.text, ...span }
      case 'system':
        this.#cursor.next()
        return parseSystem(this.#cursor, token.text, span, this.#options.semantics)
      case '(':
        return this.#parenthesised(depth)
      case '{':
        return this.#braced()
      default:
        this.#cursor.unexpected(A_VALUE, hintAgainst(token))
        return { kind: 'invalid', ...span }
    }
  }

  #parenthesised(depth: number): Expression {
    const open = this.#cursor.next()
    const inner = this.binary(0, depth + 1)
    this.#close(open, ')')
    return this.#node({ ...inner, ...spanning(open, this.#cursor.previous) }, inner)
  }

  #call(name: string, nameSpan: Span, depth: number): Expression {
    const open = this.#cursor.next()
    const operands: Expression[] = []
    if (!this.#cursor.at(')')) {
      do operands.push(this.binary(0, depth + 1))
      while (this.#cursor.take(',') !== undefined)
    }
    this.#close(open, ')')
    const span = spanning(nameSpan, this.#cursor.previous)
    return this.#node({ kind: 'call', name, nameSpan, operands, ...span }, ...operands)
  }

  #braced(): Expression {
    const open = this.#cursor.next()
    const inner = this.#cursor.current
    let expression: Expression = { kind: 'invalid', start: open.start, end: open.end }
    if (inner.kind === 'system') {
      this.#cursor.next()
      expression = parseSystem(this.#cursor, inner.text, inner, this.#options.semantics, true)
    } else if (inner.kind === 'string' && this.#options.semantics === 'edgewright') {
      this.#cursor.next()
      expression = { kind: 'property', name: inner.value, start: inner.start, end: inner.end }
    } else {
      this.#cursor.unexpected('a system property like {$messageId}')
    }
    this.#close(open, '}')
    return { ...expression, ...spanning(open, this.#cursor.previous) }
  }

  #close(open: Token, mark: ')' | '}'): void {
    if (this.#cursor.take(mark) !== undefined || this.#gaveUp) return
    if (this.#cursor.at('INTO', 'WHERE', 'end')) this.#cursor.fail(open, `this is not closed`, mark)
    else this.#cursor.unexpected(mark)
  }

  #refuseDoubled(operator: Token): void {
    const next = this.#cursor.current
    if (operator.kind !== '=' || next.kind !== '=' || next.start !== operator.end) return
    this.#cursor.fail(spanning(operator, next), '== is no operator', undefined, 'Write = for equal.')
    this.#cursor.next()
  }

  #node(node: Expression, ...children: readonly Expression[]): Expression {
    let height = 0
    for (const child of children) height = Math.max(height, this.#heights.get(child) ?? 0)
    if (height >= this.#options.depth) return this.#tooDeep()
    this.#heights.set(node, height + 1)
    return node
  }

  #tooDeep(): Expression {
    const { start, end } = this.#cursor.current
    const message = `the condition nests deeper than ${this.#options.depth} levels`
    if (!this.#gaveUp) this.#cursor.exceed({ start, end }, message, 'Split the rule.')
    this.#gaveUp = true
    this.#cursor.skipTo('INTO')
    return { kind: 'invalid', start, end }
  }
}

function strengthOf(kind: TokenKind): number | undefined {
  return kind === '<>' ? BINDING['!='] : (BINDING as Partial<Record<TokenKind, number>>)[kind]
}

function hintAgainst(token: Token): string | undefined {
  return token.kind === '=' ? 'Equality is a single =.' : undefined
}
