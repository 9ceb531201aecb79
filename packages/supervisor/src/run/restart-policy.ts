import type { ModuleObservation } from '@edgewright/core'

/** When a module that is to run is started again. Source: IoT Edge, deployment schema 1.1, `restartPolicy`. */
export type RestartPolicy = 'never' | 'on-failure' | 'on-unhealthy' | 'always'

/** How restarts are spaced. All times in milliseconds. */
export interface RestartOptions {
  /** Before the first restart; each further one doubles it. @default 10 s */
  readonly firstDelay?: number
  /** The longest delay. @default 5 min */
  readonly maxDelay?: number
  /** Up to this part of a delay is left out at random, so that modules do not restart in step. @default 0.1 */
  readonly jitter?: number
  /** Restarts without a healthy time between them until a module is given up. @default 20 */
  readonly maxRestarts?: number
  /** A module that ran for so long is healthy: its restarts are forgotten. @default 10 min */
  readonly healthyAfter?: number
  /** Before a module is started again that ended well, though its policy restarts only failures. @default 5 s */
  readonly minInterval?: number
}

/** The constants of the original's agent, beside our jitter. */
export const RESTART_DEFAULTS = Object.freeze({
  firstDelay: 10_000,
  maxDelay: 300_000,
  jitter: 0.1,
  maxRestarts: 20,
  healthyAfter: 600_000,
  minInterval: 5_000,
}) satisfies Required<RestartOptions>

/**
 * What is remembered of a module between its runs. Times are of the clock that never goes back, so that a corrected
 * wall clock neither delays a restart nor hurries it.
 */
export interface RestartMemory {
  /** Restarts since it was healthy last. */
  readonly restarts: number
  /** Attempts to create or start it that failed in a row. */
  readonly failedAttempts: number
  /** When the last such attempt failed. */
  readonly attemptedAt: number
  /** When it was first seen in its present state. */
  readonly seenAt: number
  /** The random part of the next delay, 0 to 1. */
  readonly spread: number
}

/** What is remembered of a module that was never seen. */
export const NO_RESTARTS: RestartMemory = Object.freeze({
  restarts: 0,
  failedAttempts: 0,
  attemptedAt: 0,
  seenAt: 0,
  spread: 0,
})

/** What is to be done about a module next. */
export interface Decision {
  readonly action: 'create' | 'start' | 'restart' | 'forget' | 'rest' | 'give-up'
  /** When it is due, on the clock that never goes back; infinite: when something changes. */
  readonly at: number
  readonly reason: string
}

/**
 * What is to be done next, and when, for a module that is to run. The original's table, with these differences:
 * `unhealthy` is acted upon, a module that ended well is started again after `minInterval` instead of at once, and
 * attempts that fail are spaced like restarts.
 *
 * @param observed - undefined when the runtime does not have it
 */
export function decide(
  policy: RestartPolicy,
  observed: ModuleObservation | undefined,
  memory: RestartMemory,
  options: Required<RestartOptions>,
): Decision {
  const { failedAttempts, attemptedAt, restarts, seenAt } = memory
  const attempt = failedAttempts === 0 ? 0 : attemptedAt + delayOf(failedAttempts - 1, memory, options)
  const again = (reason: string): Decision => {
    if (restarts >= options.maxRestarts) return rest('give-up', `${reason}; it was restarted ${restarts} times`)
    return { action: 'restart', at: Math.max(attempt, seenAt + delayOf(restarts, memory, options)), reason }
  }
  if (observed === undefined) return { action: 'create', at: attempt, reason: 'it does not exist' }
  switch (observed.state) {
    case 'created':
      return { action: 'start', at: attempt, reason: 'it was never started' }
    case 'running':
      if (restarts === 0) return rest('rest', 'it runs')
      return { action: 'forget', at: seenAt + options.healthyAfter, reason: 'it has run long enough' }
    case 'unhealthy':
      return policy === 'on-unhealthy' || policy === 'always'
        ? again('it is unhealthy')
        : rest('rest', 'it is unhealthy, which its policy leaves alone')
    case 'stopped':
      if (policy === 'never') return rest('rest', 'it ended, and its policy is never')
      if (policy === 'always') return again('it ended')
      return { action: 'start', at: Math.max(attempt, seenAt + options.minInterval), reason: 'it ended' }
    case 'failed': {
      const reason = observed.reason ?? `it exited with code ${observed.exitCode}`
      return policy === 'never' ? rest('rest', reason) : again(reason)
    }
  }
}

function rest(action: 'rest' | 'give-up', reason: string): Decision {
  return { action, at: Number.POSITIVE_INFINITY, reason }
}

function delayOf(exponent: number, { spread }: RestartMemory, options: Required<RestartOptions>): number {
  return Math.min(options.firstDelay * 2 ** exponent, options.maxDelay) * (1 - options.jitter * spread)
}
