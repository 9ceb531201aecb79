import fc from 'fast-check'
import { SYSTEM_PROPERTIES } from '../src/check/system-properties.js'
import { BUILTINS } from '../src/check/builtins.js'
import type { BinaryOperator, BodyStep, Expression, Route } from '../src/syntax/tree.js'

const at = Object.freeze({ start: 0, end: 0 })
const name = fc.oneof(
  fc.constantFrom('temp', 'kind', 'device-id', 'x y', 'TRUE', 'from', '5', 'a+b', "it's"),
  fc.string(),
)
const segment = fc.oneof(
  fc.constantFrom('messages', 'modules', 'm', '*', 'INTO', '1'),
  fc.stringMatching(/^[^\s/*]+$/u),
)

const literal: fc.Arbitrary<Expression> = fc
  .oneof(
    fc.constantFrom(true, false, null, undefined, 'x', '20', "it's", 'C:\\'),
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value || 0),
  )
  .map(value => ({ kind: 'literal', value, ...at }))

const property: fc.Arbitrary<Expression> = name.map(value => ({ kind: 'property', name: value, ...at }))

const system: fc.Arbitrary<Expression> = fc
  .tuple(fc.constantFrom(...SYSTEM_PROPERTIES), fc.boolean())
  .map(([known, braced]) => ({ kind: 'system', name: known.name, braced, ...at }))

const step: fc.Arbitrary<BodyStep> = fc.oneof(name, fc.nat(20))
const body: fc.Arbitrary<Expression> = fc
  .array(step, { minLength: 1, maxLength: 4 })
  .map(path => ({ kind: 'body', path, name: '', braced: false, ...at }))

const operators: readonly BinaryOperator[] = ['??', '=', '!=', '<', '<=', '>', '>=', '+', '-', '||', '*', '/', '%']

const { expression } = fc.letrec<{ expression: Expression }>(tie => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    literal,
    property,
    system,
    body,
    fc
      .tuple(fc.constantFrom(...operators), tie('expression'), tie('expression'))
      .map(([operator, left, right]): Expression => ({ kind: 'binary', operator, left, right, ...at })),
    fc
      .tuple(
        fc.constantFrom('AND' as const, 'OR' as const),
        fc.array(tie('expression'), { minLength: 2, maxLength: 4 }),
      )
      .map(([operator, operands]): Expression => ({ kind: 'logical', operator, operands, ...at })),
    tie('expression').map((operand): Expression => ({ kind: 'unary', operator: 'NOT', operand, ...at })),
    tie('expression')
      .filter(operand => operand.kind !== 'literal' || typeof operand.value !== 'number')
      .map((operand): Expression => ({ kind: 'unary', operator: '-', operand, ...at })),
    fc
      .tuple(fc.constantFrom(...BUILTINS.keys()), fc.array(tie('expression'), { maxLength: 3 }))
      .map(([called, operands]): Expression => ({ kind: 'call', name: called, nameSpan: at, operands, ...at })),
  ),
}))

/** Any condition that the default semantics can read, sensible or not. */
export const arbitraryExpression: fc.Arbitrary<Expression> = expression

/** Any rule that the default semantics can read. */
export const arbitraryRoute: fc.Arbitrary<Route> = fc
  .record({
    segments: fc.array(segment, { minLength: 1, maxLength: 6 }),
    condition: fc.option(expression, { nil: undefined }),
    input: fc.option(fc.tuple(segment, segment), { nil: undefined }),
  })
  .map(({ segments, condition, input }) => ({
    source: { segments: segments.map(text => ({ text, ...at })), ...at },
    condition,
    sink:
      input === undefined
        ? { kind: 'upstream', ...at }
        : { kind: 'input', moduleId: input[0], input: input[1], path: '', ...at },
  }))
