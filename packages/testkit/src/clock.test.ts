import { sleep } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { virtualClock } from './clock.js'

describe('virtualClock', () => {
  it('stands still until it is advanced', async () => {
    const clock = virtualClock({ start: 1_000 })
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
    await clock.advance(250)
    expect([clock.now(), clock.monotonic()]).toEqual([1_250, 250])
  })

  it('fires what falls due in order, each at its own time, and leaves the rest', async () => {
    const clock = virtualClock({ start: 0 })
    const fired: [string, number][] = []
    clock.after(30, () => fired.push(['late', clock.now()]))
    clock.after(10, () => fired.push(['first', clock.now()]))
    clock.after(10, () => fired.push(['second', clock.now()]))
    clock.after(99, () => fired.push(['never', clock.now()]))
    await clock.advance(50)
    expect(fired).toEqual([
      ['first', 10],
      ['second', 10],
      ['late', 30],
    ])
    expect(clock.pending).toEqual([49])
  })

  it('lets what a timer sets off settle, and fires timers set meanwhile', async () => {
    const clock = virtualClock({ start: 0 })
    const ticks: number[] = []
    const done = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, 10)
        ticks.push(clock.now())
      }
    })()
    await clock.advance(35)
    await done
    expect(ticks).toEqual([10, 20, 30])
  })

  it('forgets a cancelled timer', async () => {
    const clock = virtualClock()
    const timer = clock.after(10, () => expect.fail('fired'))
    timer.cancel()
    timer.cancel()
    await clock.advance(20)
    expect(clock.pending).toEqual([])
  })

  it('jumps the wall clock without firing or touching durations', async () => {
    const clock = virtualClock({ start: 100_000 })
    let fired = false
    clock.after(10, () => (fired = true))
    clock.jump(-60_000)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([40_000, 0, false])
    await clock.advance(10)
    expect(fired).toBe(true)
  })

  it('tells when other code has set its timers', async () => {
    const clock = virtualClock()
    const both = clock.untilPending(2)
    clock.after(1, () => undefined)
    let reached = false
    void both.then(() => (reached = true))
    await clock.advance(0)
    expect(reached).toBe(false)
    clock.after(2, () => undefined)
    await both
    await clock.untilPending()
  })
})
