/** Something that is opened when it is first asked for, and again when opening failed or it was given up. */
export class OnDemand<T> {
  readonly #open: () => Promise<T>
  #current: Promise<T> | undefined

  constructor(open: () => Promise<T>) {
    this.#open = open
  }

  /** Whether it is open, or being opened. */
  get wanted(): boolean {
    return this.#current !== undefined
  }

  get(): Promise<T> {
    if (this.#current !== undefined) return this.#current
    const opening = this.#open()
    this.#current = opening
    opening.catch(() => {
      if (this.#current === opening) this.#current = undefined
    })
    return opening
  }

  /** Gives it up; resolves with what was open, for whoever closes it. */
  async giveUp(): Promise<T | undefined> {
    const current = this.#current
    this.#current = undefined
    return current?.catch(() => undefined)
  }
}
