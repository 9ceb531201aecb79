import type { Clock, Timer } from '@edgewright/core'

/** A clock that only a test moves. */
export interface VirtualClock extends Clock {
  /** Timers that wait, soonest first, as milliseconds from now. */
  readonly pending: readonly number[]
  /**
   * Moves time on and fires what falls due, in order. What a timer sets off settles before the next one fires, and a
   * timer that it sets within the span fires too.
   *
   * @param span - milliseconds; 0 only lets settle what is under way
   */
  advance(span: number): Promise<void>
  /** Moves the wall clock alone, as a correction of the machine's time does: no timer fires. May be negative. */
  jump(span: number): void
  /** Resolves when at least so many timers wait: the moment to `advance` past what other code does first. @default 1 */
  untilPending(count?: number): Promise<void>
}

/** How a virtual clock begins. */
export interface VirtualClockOptions {
  /** Milliseconds since 1970. @default 2026-01-01T00:00:00Z */
  readonly start?: number
}

/** Where a virtual clock begins when it is not told. */
export const VIRTUAL_CLOCK_DEFAULTS = Object.freeze({
  start: Date.UTC(2026, 0, 1),
}) satisfies Required<VirtualClockOptions>

interface VirtualTimer {
  readonly due: number
  readonly callback: () => void
}

/** A clock that stands still until it is advanced. */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  let wallOffset = options.start ?? VIRTUAL_CLOCK_DEFAULTS.start
  let elapsed = 0
  /** Kept sorted by due time; equal times in the order in which they were set. */
  const timers: VirtualTimer[] = []
  let waiters: { readonly count: number; readonly resolve: () => void }[] = []

  function set(delay: number, callback: () => void): Timer {
    const timer = { due: elapsed + Math.max(0, delay), callback }
    const later = timers.findIndex(other => other.due > timer.due)
    timers.splice(later < 0 ? timers.length : later, 0, timer)
    const reached = waiters.filter(waiter => timers.length >= waiter.count)
    waiters = waiters.filter(waiter => timers.length < waiter.count)
    for (const waiter of reached) waiter.resolve()
    return {
      cancel() {
        const at = timers.indexOf(timer)
        if (at >= 0) timers.splice(at, 1)
      },
    }
  }

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    after: set,
    get pending() {
      return timers.map(timer => timer.due - elapsed)
    },
    async advance(span) {
      const target = elapsed + span
      await settled()
      for (let next = timers[0]; next !== undefined && next.due <= target; next = timers[0]) {
        timers.shift()
        elapsed = next.due
        next.callback()
        await settled()
      }
      elapsed = target
    },
    jump(span) {
      wallOffset += span
    },
    untilPending(count = 1) {
      if (timers.length >= count) return Promise.resolve()
      return new Promise(resolve => waiters.push({ count, resolve }))
    },
  }
}

/** Promise reactions run to their end before the event loop comes round. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
