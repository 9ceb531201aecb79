import type { Clock } from '@edgewright/core'

/**
 * Counts up from 1 at a steady pace, the first time after one period, until the signal is aborted. Beats that come due
 * while the loop is busy are left out, not made up for.
 *
 * @param period - milliseconds, above 0
 */
export async function* ticks(clock: Clock, period: number, signal: AbortSignal): AsyncGenerator<number, void> {
  if (!(period > 0)) throw new TypeError('A period is above 0')
  const start = clock.monotonic()
  let beat = 0
  while (!signal.aborted) {
    beat = Math.max(beat + 1, Math.ceil((clock.monotonic() - start) / period))
    await pause(clock, start + beat * period - clock.monotonic(), signal)
    if (!signal.aborted) yield beat
  }
}

function pause(clock: Clock, delay: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      timer.cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.after(Math.max(0, delay), done)
    signal.addEventListener('abort', done, { once: true })
  })
}
