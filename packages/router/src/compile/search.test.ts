import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexOf } from './search.js'

test('finds what the engine finds', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3000 })
  fc.assert(
    fc.property(text, text, fc.nat(2000), (head, part, cut) => {
      const whole = head + part.slice(cut) + part + head
      expect(indexOf(whole, part)).toBe(whole.indexOf(part))
    }),
    { numRuns: 200 },
  )
})

test('the texts that the engine is slow with cost no more than others', () => {
  const text = 'a'.repeat(250_000)
  const part = `${'a'.repeat(60_000)}b${'a'.repeat(60_000)}`
  const started = performance.now()
  expect(indexOf(text, part)).toBe(-1)
  expect(performance.now() - started).toBeLessThan(1000)
})
