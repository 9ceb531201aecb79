import { createMessage, type MessageSource } from '@edgewright/core'
import { expect, test } from 'vitest'
import { compileRoutes, explain, ROUTE_LIMITS, type Semantics } from '../src/index.js'

const source: MessageSource = { kind: 'telemetry', moduleId: 'm', output: 'o' }
const json = { contentType: 'application/json', contentEncoding: 'utf-8' }
const plain = createMessage({ properties: { a: 'x' } })

function codesOf(route: string, semantics: Semantics = 'edgewright') {
  return compileRoutes({ route }, { semantics }).errors.map(error => error.code)
}

function where(condition: string) {
  return `FROM /messages WHERE ${condition} INTO $upstream`
}

test.each<Semantics>(['edgewright', 'iotedge'])('depth is bounded in the semantics %s', semantics => {
  const deep = (levels: number) => where(`${'('.repeat(levels)}true${')'.repeat(levels)}`)
  expect(codesOf(deep(ROUTE_LIMITS.depth - 1), semantics)).toEqual([])
  for (const levels of [ROUTE_LIMITS.depth + 1, 10_000]) {
    expect(codesOf(deep(levels), semantics)).toEqual(['ROUTE_LIMIT'])
  }
  expect(codesOf(where(`${'NOT '.repeat(5000)}true`), semantics)).toEqual(['ROUTE_LIMIT'])
  expect(codesOf(where(`${'- '.repeat(5000)}1 = 1`), semantics)).toEqual(['ROUTE_LIMIT'])
  expect(codesOf(where(`1 ${'+ 1 '.repeat(5000)}> 1`), semantics)).toEqual(['ROUTE_LIMIT'])
  expect(codesOf(where(`${'abs('.repeat(5000)}1${')'.repeat(5000)} = 1`), semantics)).toEqual(['ROUTE_LIMIT'])
})

test('long lists of AND and OR do not count as depth', () => {
  const list = Array.from({ length: 2_000 }, (_, index) => `a = '${index}'`).join(' OR ')
  const { table, errors } = compileRoutes({ route: where(list) })
  expect(errors).toEqual([])
  expect(table.match(createMessage({ properties: { a: '1999' } }), source)).toHaveLength(1)
  expect(explain(table, plain, source).routes[0]?.condition?.parts).toHaveLength(2_000)
})

test('the length of a rule and the number of routes are bounded', () => {
  expect(codesOf(where(`a = '${'x'.repeat(ROUTE_LIMITS.length)}'`))).toEqual(['ROUTE_LIMIT'])
  const rules = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`r${index}`, 'FROM /* INTO $upstream']))
  const { table, errors } = compileRoutes(rules, { limits: { routes: 5 } })
  expect(table.routes).toHaveLength(5)
  expect(errors).toMatchObject([{ code: 'ROUTE_LIMIT', route: 'r5' }])
})

test('the problems of one rule are bounded', () => {
  expect(codesOf(where('@ = # AND '.repeat(1_000)))).toHaveLength(ROUTE_LIMITS.problems)
})

test('a body beyond the bound is unusable', () => {
  const rules = { route: where('$body.x = 1') }
  const body = JSON.stringify({ x: 1, filler: 'y'.repeat(1_000) })
  const message = createMessage({ body, system: json })
  expect(compileRoutes(rules).table.match(message, source)).toHaveLength(1)
  expect(compileRoutes(rules, { limits: { bodyBytes: 1_000 } }).table.match(message, source)).toHaveLength(0)
})

test('a text that grows beyond the bound is undefined', () => {
  const message = createMessage({ properties: { a: 'x'.repeat(200_000) } })
  const { table } = compileRoutes({
    long: where('is_defined(concat(a, a, a))'),
    longer: where(
      `length(${Array.from({ length: 3_000 }, () => 'a')
        .join(', ')
        .replace(/^/, 'concat(')})) > 0`,
    ),
    short: where('is_defined(a)'),
  })
  expect(table.match(message, source)).toMatchObject([{ route: 'short' }])
})

/** Texts and bodies that are slow with the obvious way of reading them. */
const HOSTILE: Readonly<Record<string, () => unknown>> = {
  'an unclosed string': () => codesOf(where(`a = '${'\\\\'.repeat(15_000)}`)),
  'comment openers': () => [
    codesOf(`FROM ${'/* '.repeat(10_000)}`),
    codesOf(`FROM ${'/* '.repeat(10_000)}`, 'iotedge'),
  ],
  quotes: () => [codesOf(`${"'".repeat(30_001)}`), codesOf(`${"'".repeat(30_001)}`, 'iotedge')],
  backslashes: () => [codesOf('\\'.repeat(30_000)), codesOf(`'${'\\'.repeat(30_000)}`, 'iotedge')],
  brackets: () => codesOf(where(`$body${'['.repeat(30_000)} = 1`)),
  'a path': () => codesOf(where(`$body${'.a'.repeat(15_000)} = 1`)),
  'a long path in the original': () => codesOf(where(`$body${'.*'.repeat(15_000)} = 1`), 'iotedge'),
  digits: () => codesOf(where(`${'9'.repeat(30_000)} = 0x${'f'.repeat(2_000)}`)),
  segments: () => codesOf(`FROM ${'/*'.repeat(15_000)} INTO $upstream`),
  'a search that repeats itself': () => {
    const { table } = compileRoutes({ route: where('contains(a, b) OR index_of(a, b) > 5') })
    const properties = { a: 'a'.repeat(200_000), b: `${'a'.repeat(60_000)}b${'a'.repeat(60_000)}` }
    return table.match(createMessage({ properties }), source)
  },
  'a number of many blanks': () => {
    const { table } = compileRoutes({ route: where('as_number(a) > 1') })
    return table.match(createMessage({ properties: { a: ' '.repeat(200_000) } }), source)
  },
  'nested bodies': () => {
    const { table } = compileRoutes({ route: where('$body.a.b = 1') }, { semantics: 'edgewright' })
    for (const body of ['['.repeat(200_000), '{"a":'.repeat(40_000), `${'[{"a":'.repeat(30_000)}1`]) {
      table.match(createMessage({ body, system: json }), source)
    }
  },
  'a content type of many parts': () => {
    const { table } = compileRoutes({ route: where('$body.a = 1') })
    const contentType = `application/json${'; charset '.repeat(20_000)}`
    return table.match(createMessage({ body: '{}', system: { contentType } }), source)
  },
  'ten thousand routes on one source': () => {
    const rules = Array.from({ length: 10_000 }, (_, index) => [`r${index}`, where(`a = '${index}'`)])
    return compileRoutes(Object.fromEntries(rules)).table.match(plain, source)
  },
}

test.each(Object.entries(HOSTILE))('%s costs no more than its length', (_, run) => {
  const started = process.cpuUsage()
  run()
  const { user } = process.cpuUsage(started)
  expect(user / 1_000).toBeLessThan(3_000)
})

/** Conditions that ask one thing within another, as deep as they may. */
const NESTED: Readonly<Record<string, string>> = {
  comparisons: `a = 'x'${' = true'.repeat(90)}`,
  'comparisons to the right': `${'true = ('.repeat(45)}a = 'x'${')'.repeat(45)}`,
  'NOT before comparisons': `${'NOT ('.repeat(30)}a = 'x'${') = true'.repeat(30)}`,
  tests: `${'is_defined('.repeat(90)}a = 'x'${')'.repeat(90)}`,
  'AND and OR in turns': `${'true AND (false OR ('.repeat(20)}a = 'x'${'))'.repeat(20)} = true`,
  coalescing: `${'(b ?? '.repeat(45)}a${')'.repeat(45)} = 'x'`,
  arithmetic: `${'-('.repeat(30)}as_number('1')${' + 0)'.repeat(30)} = 1`,
  concatenation: `${'lower('.repeat(90)}a${')'.repeat(90)} = 'x'`,
}

test.each(
  Object.entries(NESTED).flatMap(([name, condition]) =>
    (['edgewright', 'iotedge'] as const).map(semantics => ({ name, condition, semantics })),
  ),
)('nested $name cost no more than their length in the semantics $semantics', ({ condition, semantics }) => {
  const started = process.cpuUsage()
  const { table, errors } = compileRoutes({ route: where(condition) }, { semantics })
  expect(errors).toEqual([])
  expect(table.match(plain, source)).toHaveLength(1)
  expect(explain(table, plain, source).routes[0]?.matched).toBe(true)
  expect(process.cpuUsage(started).user / 1_000).toBeLessThan(1_000)
})
