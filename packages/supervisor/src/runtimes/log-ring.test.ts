import type { ModuleLogLine, ModuleLogQuery } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { describe, expect, it } from 'vitest'
import { LogRing } from './log-ring.js'

async function texts(ring: LogRing, query?: ModuleLogQuery): Promise<string[]> {
  const read: string[] = []
  for await (const { text } of ring.read(query)) read.push(text)
  return read
}

describe('LogRing', () => {
  it('keeps the last lines, cut to their length', async () => {
    const ring = new LogRing(virtualClock(), { lines: 3, lineLength: 5 })
    for (const text of ['one', 'two', 'three\nfour', 'a long line']) ring.write('stdout', text)
    expect(await texts(ring)).toEqual(['three', 'four', 'a lon'])
  })

  it('gives what was asked for: the last lines, and those of a time', async () => {
    const clock = virtualClock({ start: 0 })
    const ring = new LogRing(clock)
    for (const text of ['0', '10', '20', '30']) {
      ring.write('stdout', text)
      await clock.advance(10)
    }
    expect(await texts(ring, { tail: 2 })).toEqual(['20', '30'])
    expect(await texts(ring, { tail: 0 })).toEqual([])
    expect(await texts(ring, { since: 10, until: 20 })).toEqual(['10', '20'])
    expect(await texts(ring, { tail: 1, until: 20 })).toEqual(['20'])
  })

  it('is followed by readers of any pace', async () => {
    const ring = new LogRing(virtualClock(), { lines: 2 })
    const stop = new AbortController()
    const reader = ring.read({ follow: true }, stop.signal)
    const first = reader.next()
    ring.write('stderr', 'a')
    expect(((await first).value as ModuleLogLine).text).toBe('a')
    for (const text of ['b', 'c', 'd', 'e']) ring.write('stdout', text)
    expect(((await reader.next()).value as ModuleLogLine).text).toBe('d')
    expect(((await reader.next()).value as ModuleLogLine).text).toBe('e')
    const last = reader.next()
    stop.abort()
    expect((await last).done).toBe(true)
  })
})
