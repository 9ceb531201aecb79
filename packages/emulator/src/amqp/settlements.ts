interface Settlement {
  readonly isAccepted: boolean
  readonly settle: () => void
}

/**
 * Gathers the settlements of one turn of the event loop. The library walks over all sessions of a connection each time
 * something is settled, and writes a frame for each run of neighbours: many at once cost little more than one.
 *
 * What is not accepted has a turn of its own, because of two neighbours that are settled in one turn the library gives
 * the second one the outcome of the first: a rejected message would be reported as accepted.
 */
export class Settlements {
  #waiting: Settlement[] = []
  readonly #isOver: () => boolean

  /** @param isOver - whether the connection is gone, and nothing need be said any more */
  constructor(isOver: () => boolean) {
    this.#isOver = isOver
  }

  add(isAccepted: boolean, settle: () => void): void {
    if (this.#waiting.push({ isAccepted, settle }) === 1) this.#soon()
  }

  #soon(): void {
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    if (this.#isOver()) return
    const turn = this.#waiting.findIndex(({ isAccepted }) => !isAccepted)
    const count = turn < 0 ? this.#waiting.length : Math.max(turn, 1)
    for (const { settle } of this.#waiting.splice(0, count)) settle()
    if (this.#waiting.length > 0) this.#soon()
  }
}
