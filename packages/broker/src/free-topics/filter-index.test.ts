import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FilterIndex } from './filter-index.js'
import { matchesTopic, parseFilter } from './topic-filter.js'

const level = fc.constantFrom('a', 'b', '', '+')
const filter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
  .filter(text => text !== '')
const topic = fc
  .array(fc.constantFrom('a', 'b', ''), { minLength: 1, maxLength: 4 })
  .map(levels => levels.join('/'))
  .filter(text => text !== '')

test('finds what comparing with every filter finds, also after some were removed', () => {
  fc.assert(
    fc.property(fc.array(filter), fc.array(filter), topic, (filters, removed, published) => {
      const index = new FilterIndex<string>()
      const left = new Set(filters)
      for (const text of filters) index.add(text, text)
      for (const text of removed) {
        index.remove(text, text)
        left.delete(text)
      }
      const expected = [...left].filter(text => matchesTopic(parseFilter(text)!, published))
      expect([...index.match(published)].sort()).toEqual(expected.sort())
    }),
    { numRuns: 500 },
  )
})
