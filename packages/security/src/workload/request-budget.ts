import type { Clock } from '@edgewright/core'
import type { WorkloadLimits } from './limits.js'

/** Whether a request may go on. */
export type Admission =
  | 'admitted'
  /** Too many at once. */
  | 'crowded'
  /** Too many too fast. */
  | 'too-fast'

/** What one module has left of its requests: so many at once, so many a second. */
export class RequestBudget {
  readonly #limits: Required<WorkloadLimits>
  readonly #clock: Clock
  #running = 0
  #tokens: number
  #filledAt: number

  constructor(limits: Required<WorkloadLimits>, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#tokens = limits.burst
    this.#filledAt = clock.monotonic()
  }

  /** Whoever is admitted must {@link leave}. */
  enter(): Admission {
    if (this.#running >= this.#limits.maxConcurrent) return 'crowded'
    if (!this.spend(1)) return 'too-fast'
    this.#running += 1
    return 'admitted'
  }

  /** Takes so many requests' worth, when there is so much left: for one that costs more than others. */
  spend(amount: number): boolean {
    this.#fill()
    if (this.#tokens < amount) return false
    this.#tokens -= amount
    return true
  }

  leave(): void {
    this.#running -= 1
  }

  #fill(): void {
    const now = this.#clock.monotonic()
    const gained = ((now - this.#filledAt) / 1_000) * this.#limits.requestsPerSecond
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + gained)
    this.#filledAt = now
  }
}
