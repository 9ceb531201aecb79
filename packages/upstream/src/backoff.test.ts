import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffDelay } from './backoff.js'

test('waits grow with the failures up to the most, and are anything up to their limit by chance', () => {
  const options = { first: 500, most: 2_500 }
  expect([1, 2, 3, 4, 5, 1_000].map(failures => backoffDelay(options, failures, 1))).toEqual([
    500, 1_000, 2_000, 2_500, 2_500, 2_500,
  ])
  expect(backoffDelay(options, 3, 0)).toBe(0)
  fc.assert(
    fc.property(fc.integer({ min: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const delay = backoffDelay(options, failures, random)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(2_500)
    }),
  )
})
