/** Hands values from those who have them to the one who waits, in order. */
export class Channel<T> {
  readonly #values: T[] = []
  readonly #waiting: ((value: T | undefined) => void)[] = []
  #closed = false

  /** How many values wait. */
  get length(): number {
    return this.#values.length
  }

  /** @returns false when the channel is closed and the value was not taken */
  push(value: T): boolean {
    if (this.#closed) return false
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#values.push(value)
    else waiting(value)
    return true
  }

  /** Takes the oldest value without waiting. */
  shift(): T | undefined {
    return this.#values.shift()
  }

  /** The next value; undefined when the channel is closed. */
  next(): Promise<T | undefined> {
    if (this.#values.length > 0 || this.#closed) return Promise.resolve(this.#values.shift())
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Ends every wait. @returns the values that nobody took */
  close(): T[] {
    this.#closed = true
    for (const waiting of this.#waiting.splice(0)) waiting(undefined)
    return this.#values.splice(0)
  }
}
