import type { BuiltinName } from '../check/builtins.js'
import { printExpression } from '../syntax/print.js'
import type { BinaryOperator, BodyStep, Expression } from '../syntax/tree.js'
import type { Condition, NumberValue, TextValue } from './values.js'

/** What stands in place of offsets: what is built has no text yet. */
const NOWHERE = Object.freeze({ start: 0, end: 0 })

type MethodName = keyof NumberValue | keyof TextValue | keyof Condition
type Method = (...operands: Expression[]) => Expression

const METHODS: Readonly<Record<MethodName, Method>> = {
  eq: binary('='),
  ne: binary('!='),
  gt: binary('>'),
  gte: binary('>='),
  lt: binary('<'),
  lte: binary('<='),
  plus: binary('+'),
  minus: binary('-'),
  times: binary('*'),
  dividedBy: binary('/'),
  modulo: binary('%'),
  orElse: binary('??'),
  and: logical('AND'),
  or: logical('OR'),
  not: unary('NOT'),
  negated: unary('-'),
  isDefined: call('is_defined'),
  isNull: call('is_null'),
  power: call('power'),
  abs: call('abs'),
  ceiling: call('ceiling'),
  exp: call('exp'),
  floor: call('floor'),
  sign: call('sign'),
  sqrt: call('sqrt'),
  square: call('square'),
  asNumber: call('as_number'),
  concat: call('concat'),
  length: call('length'),
  lower: call('lower'),
  upper: call('upper'),
  substring: call('substring'),
  indexOf: call('index_of'),
  startsWith: call('starts_with'),
  endsWith: call('ends_with'),
  contains: call('contains'),
}

function binary(operator: BinaryOperator): Method {
  return (left, right) => ({ kind: 'binary', operator, left: left!, right: right!, ...NOWHERE })
}

function logical(operator: 'AND' | 'OR'): Method {
  return (first, ...others) => {
    const flat = first!.kind === 'logical' && first!.operator === operator
    const operands = flat ? [...first!.operands, ...others] : [first!, ...others]
    return { kind: 'logical', operator, operands, ...NOWHERE }
  }
}

function unary(operator: 'NOT' | '-'): Method {
  return operand => ({ kind: 'unary', operator, operand: operand!, ...NOWHERE })
}

function call(name: BuiltinName): Method {
  return (...operands) => ({ kind: 'call', name, nameSpan: NOWHERE, operands, ...NOWHERE })
}

/** A value with every method there is: its type says which of them it has. */
export type BuiltValue = NumberValue & TextValue & Condition

const trees = new WeakMap<object, Expression>()

const PROTOTYPE = Object.freeze({
  ...Object.fromEntries(
    Object.entries(METHODS).map(([name, method]) => [
      name,
      function (this: object, ...operands: readonly unknown[]) {
        return built(method(treeOf(this), ...operands.map(treeOf)))
      },
    ]),
  ),
  /** In the text language. */
  toString(): string {
    return printExpression(treeOf(this))
  },
})

/** The value that a tree stands for. */
export function built(tree: Expression): BuiltValue {
  const value = Object.create(PROTOTYPE) as BuiltValue
  trees.set(value, tree)
  return value
}

/** The value of a property or system property. */
export function builtProperty(name: string, kind: 'property' | 'system'): TextValue {
  return built(kind === 'system' ? { kind, name, braced: false, ...NOWHERE } : { kind, name, ...NOWHERE })
}

/**
 * A place in the body. Its members are places in turn, whatever their names: only a call tells the method `gt` from a
 * member of that name.
 */
export function builtBody(path: readonly BodyStep[]): object {
  const place = new Proxy(() => undefined, {
    get: (_, name) => (typeof name === 'string' ? builtBody([...path, stepOf(name)]) : undefined),
    apply: (_, __, operands: readonly unknown[]) => {
      const name = String(path.at(-1))
      if (!Object.hasOwn(METHODS, name)) throw new TypeError(`${name} is no method of a value of a message`)
      const method = METHODS[name as MethodName]
      return built(method(treeOf(builtBody(path.slice(0, -1))), ...operands.map(treeOf)))
    },
  })
  trees.set(place, { kind: 'body', path, name: '', braced: false, ...NOWHERE })
  return place
}

function stepOf(name: string): BodyStep {
  return /^\d+$/.test(name) ? Number(name) : name
}

/** The tree of a value that was built, or of one that is written down. */
export function treeOf(value: unknown): Expression {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return { kind: 'literal', value, ...NOWHERE }
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`the route language has no way to write ${value}`)
    return { kind: 'literal', value: value === 0 ? 0 : value, ...NOWHERE }
  }
  const tree = typeof value === 'object' || typeof value === 'function' ? trees.get(value) : undefined
  if (tree === undefined) throw new TypeError('a condition is made of values of the message and of scalars')
  return tree
}
