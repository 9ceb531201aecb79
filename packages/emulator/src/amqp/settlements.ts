/**
 * Gathers the settlements of one turn of the event loop. The library walks over all sessions of a connection each time
 * something is settled, and writes a frame for each run of neighbours: many at once cost little more than one.
 */
export class Settlements {
  #waiting: (() => void)[] = []
  readonly #isOver: () => boolean

  /** @param isOver - whether the connection is gone, and nothing need be said any more */
  constructor(isOver: () => boolean) {
    this.#isOver = isOver
  }

  add(settle: () => void): void {
    if (this.#waiting.push(settle) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    if (!this.#isOver()) for (const settle of waiting) settle()
  }
}
