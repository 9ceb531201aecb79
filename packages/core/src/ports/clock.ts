/** A running timer. */
export interface Timer {
  /** Stops it; harmless afterwards. */
  cancel(): void
}

/** The only source of time and timers, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. May jump. */
  now(): number
  /** Milliseconds of a clock that never goes back: for durations. */
  monotonic(): number
  /** Calls once, after `delay` milliseconds. Does not keep the process alive. */
  after(delay: number, callback: () => void): Timer
}

/** The longest time that a timer of Node's waits, 24.8 days: it takes longer ones for one millisecond. */
const MAX_TIMEOUT = 2_147_483_647

/** The machine's own clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay: number, callback: () => void): Timer {
    let timer: NodeJS.Timeout
    const wait = (left: number) => {
      const step = Math.min(left, MAX_TIMEOUT)
      timer = setTimeout(step < left ? () => wait(left - step) : callback, step)
      timer.unref()
    }
    wait(delay)
    return { cancel: () => clearTimeout(timer) }
  },
})

/**
 * Waits on a clock.
 *
 * @param delay - milliseconds
 * @throws the signal's reason when it is aborted first
 */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.after(delay, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
