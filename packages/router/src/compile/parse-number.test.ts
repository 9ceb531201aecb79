import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseNumber } from './parse-number.js'

test('what is written plainly reads as JavaScript reads it', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^-?\d{1,20}(\.\d{1,20})?$/), text => {
      expect(parseNumber(text, false)).toBe(Number(text))
    }),
  )
})

test('numbers survive being written and read', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), value => {
      expect(parseNumber(String(value), false)).toBe(value === 0 ? 0 : value)
    }),
  )
})

test('no text makes it throw, and blanks around never matter', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.boolean(), (text, anyGroups) => {
      expect(parseNumber(` ${text}\t`, anyGroups)).toBe(parseNumber(text, anyGroups))
    }),
  )
})
