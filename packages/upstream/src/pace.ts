/**
 * How much of one identity may share a fate: halved when it was to be given again, growing with what is accepted, as
 * congestion control has it. So whoever throttles is met with less, and what is refused together is soon found alone.
 */
export class Pace {
  readonly #most: number
  #limit: number

  constructor(most: number) {
    this.#most = most
    this.#limit = most
  }

  /** At least 1. */
  get limit(): number {
    return this.#limit
  }

  /** @param count - messages */
  succeeded(count: number): void {
    this.#limit = Math.min(this.#most, this.#limit + count)
  }

  failed(): void {
    this.#limit = Math.max(1, Math.floor(this.#limit / 2))
  }
}
