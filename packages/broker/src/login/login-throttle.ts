import type { Clock } from '@edgewright/core'

/** How bad logins are slowed down. */
export interface LoginThrottleOptions {
  /** Failures of one address within a minute that are answered at once. @default 5 */
  readonly freeFailures?: number | undefined
  /** Milliseconds that a refusal is held back at most. @default 10,000 */
  readonly longestDelay?: number | undefined
  /** Refusals of one address that are held back at once; beyond it the connection is dropped. @default 32 */
  readonly maxHeld?: number | undefined
}

/** How bad logins are slowed down when it is not told. */
export const LOGIN_THROTTLE_DEFAULTS = Object.freeze({ freeFailures: 5, longestDelay: 10_000, maxHeld: 32 })

/**
 * Holds back the refusals of addresses that keep failing to log in. Good logins are never touched, so a good client
 * behind the same address loses nothing.
 */
export class LoginThrottle {
  readonly #clock: Clock
  readonly #limits: Required<{ [K in keyof LoginThrottleOptions]: number }>
  readonly #addresses = new Map<string, AddressRecord>()

  constructor(clock: Clock, options: LoginThrottleOptions = {}) {
    this.#clock = clock
    this.#limits = {
      freeFailures: options.freeFailures ?? LOGIN_THROTTLE_DEFAULTS.freeFailures,
      longestDelay: options.longestDelay ?? LOGIN_THROTTLE_DEFAULTS.longestDelay,
      maxHeld: options.maxHeld ?? LOGIN_THROTTLE_DEFAULTS.maxHeld,
    }
  }

  /**
   * A login of this address failed.
   *
   * @param answer - gives the refusal, at once or later
   * @param drop - ends the connection without an answer, because too many of this address wait for theirs
   */
  refuse(address: string, answer: () => void, drop: () => void): void {
    const record = this.#record(address)
    record.failures += 1
    const delay = this.#delay(record.failures)
    if (delay === 0) answer()
    else if (record.held >= this.#limits.maxHeld) drop()
    else {
      record.held += 1
      this.#clock.after(delay, () => {
        record.held -= 1
        answer()
      })
    }
  }

  #delay(failures: number): number {
    const excess = failures - this.#limits.freeFailures
    return excess <= 0 ? 0 : Math.min(this.#limits.longestDelay, FIRST_DELAY * 2 ** Math.min(excess - 1, 20))
  }

  #record(address: string): AddressRecord {
    const now = this.#clock.monotonic()
    const record = this.#addresses.get(address) ?? { failures: 0, held: 0, since: now }
    if (now - record.since >= WINDOW) Object.assign(record, { failures: 0, since: now })
    this.#addresses.delete(address)
    this.#addresses.set(address, record)
    for (const oldest of this.#addresses.keys()) {
      if (this.#addresses.size <= MAX_ADDRESSES) break
      this.#addresses.delete(oldest)
    }
    return record
  }
}

interface AddressRecord {
  failures: number
  held: number
  since: number
}

const WINDOW = 60_000
const FIRST_DELAY = 100
const MAX_ADDRESSES = 10_000
