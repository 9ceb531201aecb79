import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sleep, systemClock } from './clock.js'

const DAY = 86_400_000

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('waits as long as it is told, also beyond what a timer of Node can', () => {
    const fired = vi.fn()
    systemClock.after(60 * DAY, fired)
    vi.advanceTimersByTime(60 * DAY - 1)
    expect(fired).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fired).toHaveBeenCalledOnce()
  })

  it('does not fire what was cancelled, at any stage', () => {
    const fired = vi.fn()
    const timer = systemClock.after(60 * DAY, fired)
    vi.advanceTimersByTime(30 * DAY)
    timer.cancel()
    vi.advanceTimersByTime(60 * DAY)
    expect(fired).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('sleep', () => {
  it('ends with the reason of its signal, before or while it waits', async () => {
    const reason = new Error('stopping')
    await expect(sleep(systemClock, DAY, AbortSignal.abort(reason))).rejects.toBe(reason)
    const stop = new AbortController()
    const waiting = sleep(systemClock, DAY, stop.signal)
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})
