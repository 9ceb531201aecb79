import { type Clock, sleep } from '@edgewright/core'

/** How long something may take. */
export interface Deadline {
  readonly clock: Clock
  /** Milliseconds. */
  readonly delay: number
  /** What is thrown when it took longer. */
  readonly expired: () => Error
  /** Each ends the wait early, with its reason. */
  readonly signals?: readonly (AbortSignal | undefined)[] | undefined
}

/**
 * Runs something that heeds a signal, which is aborted when time is up or one of the outer signals is.
 *
 * @throws what `run` throws, or what `expired` makes
 */
export async function withDeadline<T>(deadline: Deadline, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, delay, expired, signals = [] } = deadline
  const outer = signals.filter(signal => signal !== undefined)
  for (const signal of outer) signal.throwIfAborted()
  const controller = new AbortController()
  const onAbort = (event: Event) => controller.abort((event.target as AbortSignal).reason)
  for (const signal of outer) signal.addEventListener('abort', onAbort, { once: true })
  const timer = clock.after(delay, () => controller.abort(expired()))
  try {
    return await Promise.race([run(controller.signal), rejectedBy(controller.signal)])
  } finally {
    timer.cancel()
    for (const signal of outer) signal.removeEventListener('abort', onAbort)
  }
}

/** Waits for something, but no longer than so many milliseconds, and whether it fails or not. */
export async function withPatience(clock: Clock, delay: number, promise: Promise<unknown>): Promise<void> {
  const tired = new AbortController()
  const settled = promise.catch(() => undefined)
  await Promise.race([settled, sleep(clock, delay, tired.signal).catch(() => undefined)])
  tired.abort()
}

/** Resolves when a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Resolves when one of the signals is aborted or something else is settled, and leaves nothing on the signals. */
export async function abortedOr(signals: readonly AbortSignal[], other: Promise<unknown>): Promise<void> {
  let onAbort: () => void = () => undefined
  const anyAborted = new Promise<void>(resolve => {
    onAbort = resolve
  })
  for (const signal of signals) {
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
  }
  try {
    await Promise.race([anyAborted, other.catch(() => undefined)])
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', onAbort)
  }
}

/** Rejects when a signal is aborted. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
