import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryRoute } from '../../test/arbitrary-route.js'
import { parseRoute } from './parse.js'
import { printRoute } from './print.js'
import { Problems } from './problem.js'

const options = { semantics: 'edgewright', depth: 1000 } as const

/** A tree without what depends on how it was written. */
function meaning(tree: unknown): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value) => {
      if (['start', 'end', 'nameSpan', 'path'].includes(key) && !Array.isArray(value)) return undefined
      if (value === null || typeof value !== 'object') return value
      if (value.kind === 'body') return { ...value, name: '', braced: false }
      return value.kind === 'literal' && value.value === undefined ? { ...value, value: 'undefined' } : value
    }),
  )
}

test('what is printed reads as the same tree', () => {
  fc.assert(
    fc.property(arbitraryRoute, route => {
      const problems = new Problems(20)
      const text = printRoute(route)
      const read = parseRoute(text, problems, options)
      expect(problems.list).toEqual([])
      expect(meaning(read)).toEqual(meaning(route))
      expect(printRoute(read as typeof route)).toBe(text)
    }),
    { numRuns: 500 },
  )
})

test.each([
  ["from / messages / * where ( ( kind ) = 'A' ) into $Upstream", "FROM /messages/* WHERE kind = 'A' INTO $upstream"],
  ['FROM /* WHERE a <> "it\'s" /* so */ INTO $upstream', "FROM /* WHERE a != 'it\\'s' INTO $upstream"],
  ['FROM /* WHERE (1 - 2) - 3 < 1 - (2 - 3) INTO $upstream', 'FROM /* WHERE 1 - 2 - 3 < 1 - (2 - 3) INTO $upstream'],
  ['FROM /* WHERE (a AND b) AND c INTO $upstream', 'FROM /* WHERE (a AND b) AND c INTO $upstream'],
  ['FROM /* WHERE NOT (NOT (true)) INTO $upstream', 'FROM /* WHERE NOT NOT true INTO $upstream'],
  ['FROM /* WHERE $body["a"][0]["b c"].d > -5 INTO $upstream', 'FROM /* WHERE $body.a[0]["b c"].d > -5 INTO $upstream'],
])('prints %s as %s', (text, printed) => {
  expect(printRoute(parseRoute(text, new Problems(20), options) as never)).toBe(printed)
})
