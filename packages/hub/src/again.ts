import type { Clock, Timer } from '@edgewright/core'
import { backoffDelay } from './delivery/backoff.js'

/** Does later, and ever later, what failed: one task for each key, forgotten with the first success. */
export class Again {
  readonly #clock: Clock
  readonly #failures = new Map<string, number>()
  readonly #timers = new Map<string, Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  failed(key: string, task: () => unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    this.#timers.get(key)?.cancel()
    const again = () => {
      this.#timers.delete(key)
      task()
    }
    this.#timers.set(key, this.#clock.after(backoffDelay(failures), again))
  }

  succeeded(key: string): void {
    this.#failures.delete(key)
    this.#timers.get(key)?.cancel()
    this.#timers.delete(key)
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#failures.clear()
  }
}
