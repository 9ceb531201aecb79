import { describe, expect, it } from 'vitest'
import { parseLogLine } from './log-line.js'

describe('parseLogLine', () => {
  it.each([
    ['plain', 6, 'plain'],
    ['<3> out of order', 3, 'out of order'],
    ['<6> 2026-01-01 10:00:00.123 +01:00 began', 6, 'began'],
    ['2026-01-01 10:00:00.123 +01:00 began', 6, 'began'],
    ['<9> no level', 6, '<9> no level'],
    ['', 6, ''],
  ])('reads %j', (text, level, message) => {
    const line = { time: Date.UTC(2026, 0, 1), stream: 'stderr' as const, text }
    const timestamp = '2026-01-01T00:00:00.000Z'
    expect(parseLogLine(line)).toEqual({ stream: 'stderr', level, text: message, timestamp, raw: text })
  })
})
