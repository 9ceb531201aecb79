import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BodyStep } from '../syntax/tree.js'
import { bodyQuery } from './body-query.js'
import { BodyScanner } from './body-scanner.js'
import { parseJsonBody } from './json-body.js'

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'ä', '__proto__', 'toString', '', '0'),
  fc.string({ maxLength: 3 }),
)
const step: fc.Arbitrary<BodyStep> = fc.oneof(name, fc.nat(3))
const path = fc.array(step, { minLength: 1, maxLength: 4 })
const paths = fc.array(path, { minLength: 1, maxLength: 6 })

/** JSON in every dress: blanks, escapes, names that come twice. */
const { json } = fc.letrec<{ json: string }>(tie => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(
      'true',
      'false',
      'null',
      '0',
      '-0',
      '1e5',
      '0.1',
      '123456789012345678',
      '-12.50E-3',
      '" "',
      '{}',
      '[]',
    ),
    fc.string().map(text => JSON.stringify(text)),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.constant('"\\u0041\\n"'),
    fc.array(tie('json'), { maxLength: 4 }).map(elements => `[ ${elements.join(' ,')}]`),
    fc
      .array(fc.tuple(name, tie('json')), { maxLength: 5 })
      .map(members => `{${members.map(([key, value]) => `${JSON.stringify(key)}\t:${value}`).join(',\n')}}`),
  ),
}))

/** The same, now and then with something changed that makes it no JSON. */
const text = fc.oneof(
  json,
  fc
    .tuple(
      json,
      fc.nat(),
      fc.constantFrom('', ' ', '"', '\\', '{', '}', '[', ']', ',', ':', '1', 'e', '-', '.', '\u0001', 'ä'),
    )
    .map(([whole, at, change]) => {
      const cut = at % (whole.length + 1)
      return whole.slice(0, cut) + change + whole.slice(cut + (at % 2))
    }),
)

/** Compares with the parser; where the scanner is not sure, there is nothing to compare. */
function compare(bytes: Uint8Array, wanted: readonly (readonly BodyStep[])[]) {
  const made = BodyScanner.for(wanted)
  const result = made?.scanner.scan(bytes) ?? 'unsure'
  if (made === undefined || result === 'unsure') return result
  const root = parseJsonBody(bytes, 'utf-8', 'edgewright')
  expect(result).toBe(root === undefined ? 'invalid' : 'valid')
  if (root === undefined) return result
  for (const [index, each] of wanted.entries()) {
    expect(made.scanner.value(made.numbers[index]!)).toBe(bodyQuery(each, 'edgewright')(root))
  }
  return result
}

test('finds what a parser finds, and refuses what a parser refuses', () => {
  const results = new Map<string, number>()
  fc.assert(
    fc.property(text, paths, (body, wanted) => {
      const result = compare(Buffer.from(body), wanted)
      results.set(result, (results.get(result) ?? 0) + 1)
    }),
    { numRuns: 3000 },
  )
  expect(results.get('valid')).toBeGreaterThan(100)
  expect(results.get('invalid')).toBeGreaterThan(100)
})

test('any bytes are read as a parser reads them', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.uint8Array({ maxLength: 6 }).map(inside => Buffer.concat([Buffer.from('{"a":"'), inside, Buffer.from('"}')])),
    fc.uint8Array({ maxLength: 3 }).map(inside => Buffer.concat([Buffer.from('[1,'), inside, Buffer.from(']')])),
  )
  fc.assert(
    fc.property(bytes, body => {
      compare(body, [['a'], [1]])
    }),
    { numRuns: 3000 },
  )
})

test.each([
  ['{"a":1,"a":2}', [['a']], [2]],
  [
    '{"a":{"b":1},"a":{"c":3}}',
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
    [undefined, 3],
  ],
  ['{"a":[[5]]}', [['a', 0, 0], ['a']], [5, []]],
  ['[{"x":"\\u00e9"}]', [[0, 'x']], ['é']],
] as const)('in %s, %j lead to %j', (body, wanted, values) => {
  const { scanner, numbers } = BodyScanner.for(wanted)!
  expect(scanner.scan(Buffer.from(body))).toBe('valid')
  const found = numbers.map(number => scanner.value(number))
  expect(JSON.stringify(found)).toBe(JSON.stringify(values.map(value => value ?? {})))
})

test('leaves names with escapes and bodies that nest too deep to the parser', () => {
  const { scanner } = BodyScanner.for([['a', 'b']])!
  expect(scanner.scan(Buffer.from('{"\\u0061":{"b":1}}'))).toBe('unsure')
  expect(scanner.scan(Buffer.from('['.repeat(300) + ']'.repeat(300)))).toBe('unsure')
  expect(scanner.scan(Buffer.from('\ufeff{"a":1}'))).toBe('unsure')
  expect(BodyScanner.for([['\ud800']])).toBeUndefined()
  expect(BodyScanner.for(Array.from({ length: 100 }, (_, index) => [`m${index}`]))).toBeUndefined()
})

test('a text that comes again is not made again', () => {
  const { scanner, numbers } = BodyScanner.for([['a']])!
  scanner.scan(Buffer.from('{"a":"running"}'))
  const before = scanner.value(numbers[0]!)
  scanner.scan(Buffer.from('{"a":"stopped"}'))
  expect(scanner.value(numbers[0]!, before)).toBe('stopped')
  scanner.scan(Buffer.from('{"a":"running"}'))
  expect(scanner.value(numbers[0]!, before)).toBe('running')
})
