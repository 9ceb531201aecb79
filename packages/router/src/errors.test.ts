import { expect, test } from 'vitest'
import { excerptOf } from './errors.js'
import { compileRoutes } from './index.js'

function problemsOf(condition: string) {
  return compileRoutes({ r: `FROM /messages/* WHERE ${condition} INTO $upstream` }).errors
}

test('an error says where, marks the text and knows a remedy', () => {
  const { errors } = compileRoutes({ hot: 'FROM /messages/*\n  WHERE temp > 5\n  INTO $upstream' })
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({
    code: 'ROUTE_TYPE',
    route: 'hot',
    line: 2,
    column: 9,
    place: 'route hot, line 2, column 9',
    message: '> cannot compare a string with a number; expected two values of one type',
    hint: 'Did you mean as_number(temp)?',
    remedy: 'Did you mean as_number(temp)?',
    excerpt: '  WHERE temp > 5\n        ^^^^^^^^',
  })
})

test('all errors of all routes come at once, and the good routes work', () => {
  const { table, errors } = compileRoutes({
    one: 'FROM messages WHERE nosuch(1) AND temp > 5 INTO $nowhere',
    good: 'FROM /messages/* INTO $upstream',
    two: { route: 'FROM /messages/*', priority: 12, timeToLiveSecs: -1 },
  })
  expect(errors.map(({ route, code }) => [route, code])).toEqual([
    ['one', 'ROUTE_SYNTAX'],
    ['one', 'ROUTE_TYPE'],
    ['one', 'ROUTE_TYPE'],
    ['one', 'ROUTE_SYNTAX'],
    ['two', 'ROUTE_RULE'],
    ['two', 'ROUTE_RULE'],
    ['two', 'ROUTE_SYNTAX'],
  ])
  expect(table.routes.map(({ name }) => name)).toEqual(['good'])
})

test('what follows from an error is not reported again', () => {
  expect(problemsOf('abs(temp) + 1 > 2 AND NOT (abs(temp) = 3)')).toHaveLength(2)
})

test.each([
  ["'5' < 3", 'Did you mean 5, without quotes?'],
  ['as_nmber(temp) > 5', 'Did you mean as_number?'],
  ['starts-with(a, b)', 'Did you mean starts_with?'],
  ["NOT kind = 'B'", "Did you mean NOT (kind = 'B')?"],
  ['kind = null', 'Did you mean is_null(kind)? A property that is not there is undefined, not null.'],
  ['kind != null', 'Did you mean is_defined(kind)? A property that is not there is undefined, not null.'],
  ['kind = undefined', 'Did you mean NOT is_defined(kind)?'],
  ['$body.x != undefined', 'Did you mean is_defined($body.x)?'],
  ['flag = true', "Did you mean flag = 'true'?"],
  ['kind', 'Did you mean is_defined(kind), or a comparison with it?'],
  ['kind AND true', 'Did you mean is_defined(kind), or a comparison with it?'],
  ['5-3 = 2', 'The hyphen belongs to the name 5-3: put blanks around a minus.'],
  ['abs(temp) > 1', 'Did you mean as_number(temp)?'],
  ['temp * 2 > 1', 'Did you mean as_number(temp)?'],
  ["missing ?? 'x' = 'y'", 'Comparisons bind tighter than ??: put parentheses around it.'],
  ['true || false', 'Did you mean OR?'],
  ["a == 'b'", 'Write = for equal.'],
  ["a = 'b' && b = 'c'", 'Did you mean AND?'],
  ["a = 'b' | b = 'c'", 'Did you mean OR (logic) or || (joining texts)?'],
  ["!(a = 'b')", 'Did you mean NOT?'],
  ["a = 'C:\\dir'", 'Write \\\\ for a backslash.'],
  ['a = “b”', 'Straight quotes are needed: " or \'.'],
  ['$body.a.0 = 1', 'Write [0] for an element.'],
])('for the condition %s the hint is: %s', (condition, hint) => {
  expect(problemsOf(condition).map(error => error.hint)).toContain(hint)
})

test.each([
  ['FROM /messages/ INTO $upstream', 'Remove the slash at the end, or write /*.'],
  ['FROM messages INTO $upstream', 'A source begins with a slash.'],
  ['FROM /messages/*INTO $upstream', 'Put a blank before INTO.'],
  ['FROM /messages/modules/foo* INTO $upstream', 'Write foo/* for all of foo.'],
  ['FROM /* INTO $upstream;', 'Remove what follows the sink.'],
  ['FROM /* INTO Endpoint("/modules/m/inputs/i")', 'Did you mean BrokeredEndpoint?'],
  ['FROM /* INTO BrokeredEndpoint(/modules/m/inputs/i)', 'Write "/modules/NAME/inputs/INPUT".'],
  ['SELECT temp FROM /* INTO $upstream', 'A route passes whole messages on: SELECT * is all it may select.'],
])('for the route %s the hint is: %s', (route, hint) => {
  expect(compileRoutes({ route }).errors.map(error => error.hint)).toContain(hint)
})

test('marks a stretch that begins with the first line break', () => {
  expect(excerptOf('\nFROM here', { start: 0, end: 10 })).toBe('\n^')
})
