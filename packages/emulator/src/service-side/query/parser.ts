import { HubError } from '../../state/hub-error.js'
import { type Token, tokenize } from './tokens.js'
import type { Comparison, Condition, Operand, Predicate, Query, Selection } from './tree.js'

/**
 * Reads the part of the IoT Hub query language that registries, deployments and the SDKs' samples use: projections,
 * `TOP`, aggregates, `WHERE` with comparisons, `IN`, predicates and text functions, and `GROUP BY`.
 *
 * @throws `HUB_ARGUMENT_INVALID`
 */
export function parseQuery(text: string): Query {
  return new Parser(tokenize(text)).query()
}

/** Reads a condition that stands alone, as deployments give it; `*` is always true. @throws `HUB_ARGUMENT_INVALID` */
export function parseCondition(text: string): Condition | 'always' {
  return text.trim() === '*' ? 'always' : new Parser(tokenize(text)).soleCondition()
}

const AGGREGATES: ReadonlySet<string> = new Set(['count', 'sum', 'avg', 'min', 'max'])
const PREDICATES: ReadonlySet<string> = new Set<Predicate>([
  'is_defined',
  'is_null',
  'is_bool',
  'is_number',
  'is_string',
  'is_object',
  'is_primitive',
])
const TEXT_FUNCTIONS: Readonly<Record<string, 'startsWith' | 'endsWith' | 'contains'>> = {
  starts_with: 'startsWith',
  startswith: 'startsWith',
  ends_with: 'endsWith',
  endswith: 'endsWith',
  contains: 'contains',
}
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}
const CONSTANTS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null }

const MAX_DEPTH = 100

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  query(): Query {
    this.#word('select')
    const top = this.#top()
    const selections = this.#selections()
    this.#word('from')
    const from = this.#path().join('.').toLowerCase()
    // An alias of the collection may follow.
    if (this.#isWord() && !this.#sees('where') && !this.#sees('group')) this.#at += 1
    const where = this.#takes('where') ? this.#or() : undefined
    const groupBy = this.#takes('group') ? this.#groups() : []
    this.#end()
    return { top, selections, from, where, groupBy }
  }

  soleCondition(): Condition {
    const condition = this.#or()
    this.#end()
    return condition
  }

  /** `TOP` and a number; a property may be called so, too. */
  #top(): number | undefined {
    const count = this.#tokens[this.#at + 1]
    if (!this.#sees('top') || count?.kind !== 'number') return undefined
    if (!Number.isInteger(count.value) || count.value < 1) {
      throw new HubError('ArgumentInvalid', `TOP wants a number from 1 as its word ${this.#at + 2}`)
    }
    this.#at += 2
    return count.value
  }

  #selections(): readonly Selection[] | undefined {
    if (this.#takesSymbol('*')) return undefined
    const selections = [this.#selection()]
    while (this.#takesSymbol(',')) selections.push(this.#selection())
    return selections
  }

  #selection(): Selection {
    const path = this.#path()
    const aggregate = path[0]?.toLowerCase() ?? ''
    if (path.length === 1 && AGGREGATES.has(aggregate) && this.#takesSymbol('(')) {
      const argument = this.#takesSymbol('*') || this.#seesSymbol(')') ? undefined : this.#path()
      this.#symbol(')')
      const kind = aggregate as Extract<Selection, { kind: 'aggregate' }>['aggregate']
      return { kind: 'aggregate', aggregate: kind, path: argument, name: this.#alias(aggregate) }
    }
    return { kind: 'path', path, name: this.#alias(path.at(-1) ?? '') }
  }

  #alias(otherwise: string): string {
    return this.#takes('as') ? this.#name() : otherwise
  }

  #groups(): readonly (readonly string[])[] {
    this.#word('by')
    const groups = [this.#path()]
    while (this.#takesSymbol(',')) groups.push(this.#path())
    return groups
  }

  #or(): Condition {
    let left = this.#and()
    while (this.#takes('or')) left = { kind: 'or', left, right: this.#and() }
    return left
  }

  #and(): Condition {
    let left = this.#not()
    while (this.#takes('and')) left = { kind: 'and', left, right: this.#not() }
    return left
  }

  #not(): Condition {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new HubError('ArgumentInvalid', `A condition may be nested ${MAX_DEPTH} deep`)
    const condition = this.#takes('not') ? { kind: 'not' as const, condition: this.#not() } : this.#grouped()
    this.#depth -= 1
    return condition
  }

  #grouped(): Condition {
    if (!this.#takesSymbol('(')) return this.#test()
    const condition = this.#or()
    this.#symbol(')')
    return condition
  }

  #test(): Condition {
    const name = this.#isWord() ? this.#text().toLowerCase() : ''
    if (this.#seesSymbol('(', 1) && (PREDICATES.has(name) || name in TEXT_FUNCTIONS)) return this.#function(name)
    const left = this.#operand()
    const negated = this.#takes('not')
    if (negated || this.#sees('in')) {
      this.#word('in')
      return { kind: 'in', value: left, list: this.#list(), negated }
    }
    const operator = COMPARISONS[this.#text()]
    if (operator === undefined) throw this.#unexpected('a comparison')
    this.#at += 1
    return { kind: 'compare', operator, left, right: this.#operand() }
  }

  #function(name: string): Condition {
    this.#at += 2
    const kind = TEXT_FUNCTIONS[name]
    if (kind === undefined) {
      const path = this.#path()
      this.#symbol(')')
      return { kind: 'predicate', name: name as Predicate, path }
    }
    const value = this.#operand()
    this.#symbol(',')
    const part = this.#operand()
    this.#symbol(')')
    return { kind, value, part }
  }

  #list(): readonly Operand[] {
    const isSquare = this.#takesSymbol('[')
    if (!isSquare) this.#symbol('(')
    const list = [this.#operand()]
    while (this.#takesSymbol(',')) list.push(this.#operand())
    this.#symbol(isSquare ? ']' : ')')
    return list
  }

  #operand(): Operand {
    const token = this.#tokens[this.#at]
    if (token?.kind === 'string' || token?.kind === 'number') {
      this.#at += 1
      return { kind: 'constant', value: token.value }
    }
    const constant = token?.kind === 'word' ? CONSTANTS[token.text.toLowerCase()] : undefined
    if (constant === undefined) return { kind: 'path', path: this.#path() }
    this.#at += 1
    return { kind: 'constant', value: constant }
  }

  #path(): readonly string[] {
    const path = [this.#name()]
    for (;;) {
      if (this.#takesSymbol('.')) path.push(this.#name())
      else if (this.#seesSymbol('[') && this.#tokens[this.#at + 1]?.kind === 'string') path.push(this.#bracketed())
      else return path
    }
  }

  /** `[['name with spaces']]` and `['name']` */
  #bracketed(): string {
    this.#symbol('[')
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'string') throw this.#unexpected('a name in quotes')
    this.#at += 1
    this.#symbol(']')
    return token.value
  }

  #name(): string {
    if (!this.#isWord()) throw this.#unexpected('a name')
    const text = this.#text()
    this.#at += 1
    return text
  }

  #isWord(): boolean {
    return this.#tokens[this.#at]?.kind === 'word'
  }

  #text(ahead = 0): string {
    const token = this.#tokens[this.#at + ahead]
    return token?.kind === 'word' || token?.kind === 'symbol' ? token.text : ''
  }

  #sees(word: string): boolean {
    return this.#isWord() && this.#text().toLowerCase() === word
  }

  #takes(word: string): boolean {
    const seen = this.#sees(word)
    if (seen) this.#at += 1
    return seen
  }

  #word(word: string): void {
    if (!this.#takes(word)) throw this.#unexpected(word.toUpperCase())
  }

  #seesSymbol(symbol: string, ahead = 0): boolean {
    return this.#tokens[this.#at + ahead]?.kind === 'symbol' && this.#text(ahead) === symbol
  }

  #takesSymbol(symbol: string): boolean {
    const seen = this.#seesSymbol(symbol)
    if (seen) this.#at += 1
    return seen
  }

  #symbol(symbol: string): void {
    if (!this.#takesSymbol(symbol)) throw this.#unexpected(symbol)
  }

  #end(): void {
    if (this.#at < this.#tokens.length) throw this.#unexpected('the end')
  }

  #unexpected(wanted: string): HubError {
    return new HubError('ArgumentInvalid', `The query wants ${wanted} as its word ${this.#at + 1}`)
  }
}
