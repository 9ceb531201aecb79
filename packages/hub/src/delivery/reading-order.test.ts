import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freshestFirst, oldestFirst, type ReadingOrder } from './reading-order.js'

describe('reading orders', () => {
  it.each([
    ['oldest first', oldestFirst],
    ['freshest first', freshestFirst],
  ])('%s gives each position exactly once, whatever arrives meanwhile', (_name, order) => {
    const arrivals = fc.array(fc.nat(40), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(fc.nat(1_000), arrivals, fc.integer({ min: 1, max: 16 }), (head, counts, batch) => {
        const reading = order(head)
        const given: number[] = []
        let next = head
        for (const count of counts) {
          next += count
          if (reading.hasMore(next)) given.push(...positions(reading, next, batch))
        }
        while (reading.hasMore(next)) given.push(...positions(reading, next, batch))
        expect(new Set(given).size).toBe(next - head)
        expect(given.every(position => position >= head && position < next)).toBe(true)
      }),
    )
  })

  it('oldest first goes up', () => {
    expect(drain(oldestFirst(10), 15, 2)).toEqual([10, 11, 12, 13, 14])
  })

  it('freshest first begins at the end, and with what came since', () => {
    const reading = freshestFirst(0)
    expect(positions(reading, 10, 3)).toEqual([7, 8, 9])
    expect(positions(reading, 12, 3)).toEqual([10, 11])
    expect(drain(reading, 12, 3)).toEqual([4, 5, 6, 1, 2, 3, 0])
  })
})

function positions(reading: ReadingOrder, next: number, batch: number): number[] {
  const { from, to } = reading.take(next, batch)
  return Array.from({ length: to - from }, (_, index) => from + index)
}

function drain(reading: ReadingOrder, next: number, batch: number): number[] {
  const given: number[] = []
  while (reading.hasMore(next)) given.push(...positions(reading, next, batch))
  return given
}
