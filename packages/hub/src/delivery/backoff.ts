import { withDefaults } from '@edgewright/core'

/** How waiting grows while something keeps failing. */
export interface BackoffOptions {
  /** Milliseconds before the first retry. @default 1,000 */
  readonly initial?: number | undefined
  /** Milliseconds at most. @default 60,000 */
  readonly maximum?: number | undefined
  /** Part of each wait that is left to chance, 0 to 1. @default 0.5 */
  readonly jitter?: number | undefined
}

/** Defaults of {@link BackoffOptions}. */
export const BACKOFF_DEFAULTS = Object.freeze({ initial: 1_000, maximum: 60_000, jitter: 0.5 })

/**
 * Milliseconds to wait before the next attempt: doubling, capped, with jitter so that many who failed together do not
 * come back together.
 *
 * @param failures - attempts that failed in a row, at least 1
 * @param random - a number from 0 to below 1
 */
export function backoffDelay(
  failures: number,
  options: BackoffOptions = {},
  random: () => number = Math.random,
): number {
  const { initial, maximum, jitter } = withDefaults(BACKOFF_DEFAULTS, options) as typeof BACKOFF_DEFAULTS
  const full = Math.min(maximum, initial * 2 ** Math.min(failures - 1, 30))
  return full * (1 - jitter * random())
}
