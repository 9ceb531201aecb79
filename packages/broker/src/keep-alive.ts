import type { Clock, Timer } from '@edgewright/core'

/** Calls once a client has been silent for too long. Hearing from it costs no timer. */
export class KeepAlive {
  readonly #clock: Clock
  readonly #onSilent: () => void
  #heard: number
  #isDeaf = false
  #timer: Timer | undefined

  constructor(clock: Clock, onSilent: () => void) {
    this.#clock = clock
    this.#onSilent = onSilent
    this.#heard = clock.monotonic()
  }

  /**
   * Begins to listen for silence.
   *
   * @param patience - milliseconds
   */
  start(patience: number): void {
    const silence = this.#isDeaf ? 0 : this.#clock.monotonic() - this.#heard
    if (silence >= patience) this.#onSilent()
    else this.#timer = this.#clock.after(patience - silence, () => this.start(patience))
  }

  /** Something came. */
  heard(): void {
    this.#heard = this.#clock.monotonic()
  }

  /** Whether nothing is read for now, so that silence means nothing. */
  setDeaf(isDeaf: boolean): void {
    this.#isDeaf = isDeaf
    this.heard()
  }

  stop(): void {
    this.#timer?.cancel()
  }
}
