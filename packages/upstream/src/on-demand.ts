import type { Clock } from '@edgewright/core'
import { type BackoffOptions, backoffDelay } from './backoff.js'

/** How {@link OnDemand} spaces attempts. */
export interface OnDemandOptions {
  readonly clock: Clock
  readonly backoff: BackoffOptions
  readonly random: () => number
  /** Whether a failure is one that would come again at once; others are tried again without waiting. @default always */
  readonly holdsOff?: ((error: unknown) => boolean) | undefined
}

/** Something that is opened when it is first asked for, and again after it failed, but not at once. */
export class OnDemand<T> {
  readonly #open: () => Promise<T>
  readonly #options: OnDemandOptions
  #current: Promise<T> | undefined
  #openedAt = 0
  #failures = 0
  #failure: { readonly error: unknown; readonly until: number } | undefined

  constructor(open: () => Promise<T>, options: OnDemandOptions) {
    this.#open = open
    this.#options = options
  }

  /** What is open or being opened, if anything is. */
  get current(): Promise<T> | undefined {
    return this.#current
  }

  /** What is open; opens it when need be. Throws what it failed of while it is too early to try again. */
  get(): Promise<T> {
    if (this.#current !== undefined) return this.#current
    const now = this.#options.clock.monotonic()
    if (this.#failure !== undefined && now < this.#failure.until) return Promise.reject(this.#failure.error)
    this.#openedAt = now
    const opening = this.#open()
    this.#current = opening
    opening.catch(error => this.failed(error, opening))
    return opening
  }

  /** It is of no more use. What held for longer than the longest wait was no failure to open. */
  failed(error: unknown, which: Promise<T> | undefined = this.#current): void {
    if (which === undefined || which !== this.#current) return
    this.#current = undefined
    const { clock, backoff, random, holdsOff } = this.#options
    if (holdsOff?.(error) === false) return
    const now = clock.monotonic()
    this.#failures = now - this.#openedAt > backoff.most ? 1 : this.#failures + 1
    this.#failure = { error, until: now + backoffDelay(backoff, this.#failures, random()) }
  }

  /** Nobody wants it any more; resolves with what was open, for whoever closes it. */
  async giveUp(): Promise<T | undefined> {
    const current = this.#current
    this.#current = undefined
    return current?.catch(() => undefined)
  }
}
