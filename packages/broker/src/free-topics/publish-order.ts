import { Fifo } from '../fifo.js'

interface Waiting {
  readonly bytes: number
  readonly done: (error?: Error) => void
  outcome: { readonly error: Error | undefined } | undefined
}

/**
 * Keeps one client's messages in the order of their arrival while they become durable, and so their acknowledgements
 * [MQTT-4.6.0-2]: aedes treats what comes together at once, and answers in the order in which each is done.
 */
export class PublishOrder {
  readonly #waiting = new Fifo<Waiting>()
  readonly #onProgress: () => void
  #bytes = 0
  #hasFailed = false

  /** @param onProgress - something left */
  constructor(onProgress: () => void) {
    this.#onProgress = onProgress
  }

  /** Messages on their way. */
  get length(): number {
    return this.#waiting.length
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes the next place in the order.
   *
   * @param work - what must be over first; undefined when there is nothing
   * @param done - called in its turn, with what `work` failed of; not at all after one that failed
   */
  add(bytes: number, work: Promise<void> | undefined, done: (error?: Error) => void) {
    if (work === undefined && this.#waiting.length === 0) return done()
    const waiting: Waiting = { bytes, done, outcome: work === undefined ? { error: undefined } : undefined }
    this.#waiting.push(waiting)
    this.#bytes += bytes
    const settle = (error?: Error) => {
      waiting.outcome = { error }
      this.#release()
    }
    work?.then(() => settle(), settle)
  }

  #release() {
    for (let next = this.#waiting.first; next?.outcome !== undefined; next = this.#waiting.first) {
      if (this.#hasFailed) return
      const { done, bytes, outcome } = next
      if (outcome.error !== undefined) return this.#fail(() => done(outcome.error))
      this.#waiting.shift()
      this.#bytes -= bytes
      done()
    }
    this.#onProgress()
  }

  /** Nothing comes after a failure, but what came before it is to be answered first. */
  #fail(tell: () => void): void {
    this.#hasFailed = true
    setImmediate(tell)
  }
}
