import { describe, expect, it } from 'vitest'
import { parseByteSize } from './byte-size.js'

describe('parseByteSize', () => {
  it.each([
    ['2 GiB', 2_147_483_648],
    ['512MiB', 536_870_912],
    ['1.5 GB', 1_500_000_000],
    ['64 kB', 64_000],
    ['0 B', 0],
    [1_000.9, 1_000],
  ])('reads %s', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes)
  })

  it.each(['', '2', '2 gib', '2 KB', '-1 MiB', '1e3 B', '2 GiBs', '99999999 TiB', Number.NaN, -1])(
    'refuses %s',
    text => {
      expect(() => parseByteSize(text)).toThrow(expect.objectContaining({ code: 'BYTE_SIZE_INVALID' }))
    },
  )
})
