import type { Settlement } from '@edgewright/core'

/** Whatever waits for an answer of the client. */
export interface Settleable {
  settle(settlement: Settlement): void
}

/** The deliveries that were sent with QoS 1 and wait for their PUBACK, by packet identifier. */
export class OutboundWindow {
  readonly #limit: number
  /** Made when first needed: most clients are idle, and many. */
  #waiting: Map<number, Settleable> | undefined
  #last = 0

  /** @param limit - deliveries at once, 1 to 65,535 */
  constructor(limit: number) {
    this.#limit = Math.min(limit, MAX_IDENTIFIER)
  }

  get isFull(): boolean {
    return this.#waiting !== undefined && this.#waiting.size >= this.#limit
  }

  /** Takes a delivery in; the window must not be full. @returns its packet identifier */
  add(delivery: Settleable): number {
    this.#waiting ??= new Map()
    do this.#last = (this.#last % MAX_IDENTIFIER) + 1
    while (this.#waiting.has(this.#last))
    this.#waiting.set(this.#last, delivery)
    return this.#last
  }

  /** Takes out what a PUBACK names; undefined when nothing waits under that identifier. */
  remove(messageId: number): Settleable | undefined {
    const delivery = this.#waiting?.get(messageId)
    if (delivery !== undefined) this.#waiting?.delete(messageId)
    return delivery
  }
}

const MAX_IDENTIFIER = 65_535
