import { type DeliveryOutcome, type Message, retry } from '@edgewright/core'

/** Messages that were given together, and what is known of them so far. */
export class TelemetryBatch {
  readonly #messages: readonly Message[]
  readonly #outcomes: DeliveryOutcome[]
  readonly #resolve: (outcomes: readonly DeliveryOutcome[]) => void
  #stop: DeliveryOutcome | undefined
  #next = 0
  #open: number

  constructor(messages: readonly Message[], resolve: (outcomes: readonly DeliveryOutcome[]) => void) {
    this.#messages = messages
    this.#outcomes = new Array(messages.length)
    this.#resolve = resolve
    this.#open = messages.length
  }

  /** The next message to leave; undefined when all were taken or no more is to leave. */
  get next(): Message | undefined {
    return this.#messages[this.#next]
  }

  /** Whether nothing of it is to leave any more. */
  get stopped(): boolean {
    return this.#stop !== undefined
  }

  /** Takes the next message; returns its place. */
  take(): number {
    return this.#next++
  }

  /**
   * An outcome of one message; only the first counts. After a `retry` nothing more leaves, because the rest of the lane
   * is given again from there anyway.
   */
  settle(index: number, outcome: DeliveryOutcome): void {
    this.#record(index, outcome)
    if (outcome.kind === 'retry') this.#stop ??= outcome
    if (this.#stop === undefined) return
    while (this.#next < this.#messages.length) this.#record(this.#next++, this.#stop)
  }

  /** The message was taken and did not leave. */
  putBack(index: number): void {
    this.#record(index, this.#stop ?? retry('not sent'))
  }

  /** Everything without an outcome is to be given again. */
  abandon(reason: string): void {
    this.#stop = retry(reason)
    this.#next = this.#messages.length
    for (let index = 0; index < this.#messages.length; index++) this.#record(index, this.#stop)
  }

  #record(index: number, outcome: DeliveryOutcome): void {
    if (this.#outcomes[index] !== undefined) return
    this.#outcomes[index] = outcome
    if (--this.#open === 0) this.#resolve(this.#outcomes)
  }
}
