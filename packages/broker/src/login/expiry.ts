import type { Clock, Timer } from '@edgewright/core'
import { SAS_CLOCK_SKEW } from '@edgewright/protocol'

/**
 * Calls once credentials no longer count: when they have lapsed, and the skew between clocks is over too. Looks at the
 * wall clock anew every hour, so a correction of the time counts.
 *
 * @param expiresAt - milliseconds since 1970
 */
export function onExpiry(clock: Clock, expiresAt: number, callback: () => void): Timer {
  let timer: Timer
  const wait = () => {
    const rest = expiresAt + SAS_CLOCK_SKEW - clock.now()
    timer = clock.after(Math.min(Math.max(rest, 0), HOUR), () => (rest <= HOUR ? callback() : wait()))
  }
  wait()
  return { cancel: () => timer.cancel() }
}

const HOUR = 3_600_000
