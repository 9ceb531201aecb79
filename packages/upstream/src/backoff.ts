/** How retries are spaced. */
export interface BackoffOptions {
  /** Milliseconds that the first wait may last at most. */
  readonly first: number
  /** Milliseconds that any wait may last at most. */
  readonly most: number
}

/**
 * How long to wait before a retry: any time up to a limit that doubles with each failure ("full jitter"), so that many
 * who failed together do not come back together.
 *
 * @param failures - in a row, so far; at least 1
 * @param random - 0 to 1
 * @returns milliseconds
 */
export function backoffDelay({ first, most }: BackoffOptions, failures: number, random: number): number {
  return random * Math.min(most, first * 2 ** Math.min(failures - 1, 30))
}
