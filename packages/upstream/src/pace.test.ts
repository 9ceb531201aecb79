import { expect, test } from 'vitest'
import { Pace } from './pace.js'

test('a pace halves with each failure, never below one, and grows with what is accepted, never above its most', () => {
  const pace = new Pace(50)
  const seen = [50]
  for (let failures = 0; failures < 7; failures++) {
    pace.failed()
    seen.push(pace.limit)
  }
  expect(seen).toEqual([50, 25, 12, 6, 3, 1, 1, 1])
  pace.succeeded(1)
  expect(pace.limit).toBe(2)
  pace.succeeded(100)
  expect(pace.limit).toBe(50)
})
