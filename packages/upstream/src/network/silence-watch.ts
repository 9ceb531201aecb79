import type { Clock, Timer } from '@edgewright/core'

/** Calls once when nothing was heard for a time. A sign of life costs no timer. */
export class SilenceWatch {
  readonly #clock: Clock
  readonly #limit: number
  readonly #onSilent: () => void
  #heard: number
  #timer: Timer

  /** @param limit - milliseconds */
  constructor(clock: Clock, limit: number, onSilent: () => void) {
    this.#clock = clock
    this.#limit = limit
    this.#onSilent = onSilent
    this.#heard = clock.monotonic()
    this.#timer = this.#wait(limit)
  }

  heard(): void {
    this.#heard = this.#clock.monotonic()
  }

  stop(): void {
    this.#timer.cancel()
  }

  #wait(delay: number): Timer {
    return this.#clock.after(delay, () => {
      const silence = this.#clock.monotonic() - this.#heard
      if (silence >= this.#limit) this.#onSilent()
      else this.#timer = this.#wait(this.#limit - silence)
    })
  }
}
