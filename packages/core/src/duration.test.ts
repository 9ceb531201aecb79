import { describe, expect, it } from 'vitest'
import { MAX_DURATION, parseDuration } from './duration.js'

describe('parseDuration', () => {
  it.each([
    ['250 ms', 250],
    ['1 s', 1_000],
    ['1.5s', 1_500],
    ['5 min', 300_000],
    ['2 h', 7_200_000],
    ['30 d', 2_592_000_000],
    ['0 s', 0],
    ['3650 d', MAX_DURATION],
    [1_500, 1_500],
  ])('reads %j', (duration, milliseconds) => {
    expect(parseDuration(duration)).toBe(milliseconds)
  })

  it.each([
    ...['', '5', 's', '-1 s', '1  s', ' 1 s', '1 s ', '1 S', '1 sec', '1e3 ms', '1,5 s', '.5 s', '1 min 30 s'],
    ...['3651 d', '9'.repeat(400), -1, MAX_DURATION + 1, Number.NaN, Number.POSITIVE_INFINITY],
  ])('refuses %j', duration => {
    expect(() => parseDuration(duration)).toThrow(expect.objectContaining({ code: 'DURATION_INVALID' }))
  })
})
