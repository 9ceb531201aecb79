/**
 * What is remembered of a module between its runs. Times are of the clock that never goes back, so that a corrected
 * wall clock neither delays a restart nor hurries it.
 */
export interface ModuleMemory {
  /** Restarts since it was healthy last. */
  readonly restarts: number
  /** Steps for it that failed in a row. */
  readonly failedAttempts: number
  /** When the last of them failed. */
  readonly attemptedAt: number
  /** When it was first seen in its present state. */
  readonly seenAt: number
  /** Whether it is down because it was told to stop. */
  readonly stoppedOnPurpose: boolean
  /** The random part of the next delay, 0 to 1. */
  readonly spread: number
}

/** What is remembered of a module that was never seen. */
export const NO_MEMORY: ModuleMemory = Object.freeze({
  restarts: 0,
  failedAttempts: 0,
  attemptedAt: 0,
  seenAt: 0,
  stoppedOnPurpose: false,
  spread: 0,
})
