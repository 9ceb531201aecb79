import type { ModuleObservation } from '@edgewright/core'
import type { ModuleMemory } from './module-memory.js'

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

/** What is to be done about a module that exists as it should and is to run. */
export interface RestartDecision {
  readonly action: 'start' | 'restart' | 'forget' | 'rest' | 'give-up'
  /** When it is due, on the clock that never goes back; infinite: when something changes. */
  readonly at: number
  readonly reason: string
}

/**
 * What is to be done next, and when. The original's table, with these differences: `unhealthy` is acted upon, a module
 * that ended well is started again after `minInterval` instead of at once, and one that was stopped on purpose starts
 * at once whatever its policy.
 */
export function decideRestart(
  policy: RestartPolicy,
  observed: ModuleObservation,
  memory: ModuleMemory,
  options: Required<RestartOptions>,
): RestartDecision {
  const { restarts, seenAt, stoppedOnPurpose } = memory
  const again = (reason: string): RestartDecision =>
    restarts >= options.maxRestarts
      ? rest('give-up', `${reason}; it was restarted ${restarts} times`)
      : { action: 'restart', at: seenAt + delayAfter(restarts, memory, options), reason }
  switch (observed.state) {
    case 'created':
      return { action: 'start', at: 0, reason: 'it was never started' }
    case 'running':
      if (restarts === 0) return rest('rest', 'it runs')
      return { action: 'forget', at: seenAt + options.healthyAfter, reason: 'it has run long enough' }
    case 'unhealthy':
      return policy === 'on-unhealthy' || policy === 'always'
        ? again('it is unhealthy')
        : rest('rest', 'it is unhealthy, which its policy leaves alone')
    case 'stopped':
      if (stoppedOnPurpose) return { action: 'start', at: 0, reason: 'it was stopped and is to run' }
      if (policy === 'never') return rest('rest', 'it ended, and its policy is never')
      if (policy === 'always') return again('it ended')
      return { action: 'start', at: seenAt + options.minInterval, reason: 'it ended' }
    case 'failed': {
      if (stoppedOnPurpose) return { action: 'start', at: 0, reason: 'it was stopped and is to run' }
      const reason = observed.reason ?? `it exited with code ${observed.exitCode}`
      return policy === 'never' ? rest('rest', reason) : again(reason)
    }
  }
}

/** The delay after so many tries before, in milliseconds: doubled each time up to the longest, less its random part. */
export function delayAfter(tries: number, { spread }: ModuleMemory, options: Required<RestartOptions>): number {
  return Math.min(options.firstDelay * 2 ** tries, options.maxDelay) * (1 - options.jitter * spread)
}

function rest(action: 'rest' | 'give-up', reason: string): RestartDecision {
  return { action, at: Number.POSITIVE_INFINITY, reason }
}
