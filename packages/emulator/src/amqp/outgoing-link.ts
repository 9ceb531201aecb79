import {
  type Delivery,
  type EventContext,
  type LinkInternals,
  messages,
  type Sender,
  type WritableDelivery,
} from './rhea.js'

/** What a client made of a delivery. */
export type Outcome = 'accepted' | 'rejected' | 'released'

/** How a message is sent. */
export interface SendOptions {
  /** 1 to 32 bytes; the library's own running number when absent. */
  readonly tag?: Buffer
  /** Called once when the client has said what became of it; not when the link goes away first. */
  readonly settled?: (outcome: Outcome) => void
}

/**
 * A link on which the hub sends to a client.
 *
 * Never sends without credit: in the library one such delivery blocks all links of its session. Credit is counted here
 * because the library counts it a turn of the event loop too late.
 */
export class OutgoingLink {
  readonly sender: Sender
  readonly #waiting = new Map<Delivery, (outcome: Outcome) => void>()
  #sent = 0

  /** @param ready - called whenever there may be room again */
  constructor(sender: Sender, ready: () => void) {
    this.sender = sender
    sender.on('sendable', ready)
    sender.on('sender_flow', ready)
    for (const outcome of OUTCOMES) sender.on(outcome, (context: EventContext) => this.#outcome(context, outcome))
    sender.on('settled', (context: EventContext) => this.#outcome(context, 'accepted'))
  }

  /** How many messages may be sent now. */
  get room(): number {
    if (!this.sender.sendable()) return 0
    const { credit, delivery_count } = this.sender as Sender & LinkInternals
    return Math.max(0, delivery_count + credit - this.#sent)
  }

  /** Sends an encoded message. To be called only while there is {@link room}. */
  send(message: Buffer, options: SendOptions = {}): void {
    const delivery = this.sender.send(message, options.tag, 0)
    this.#sent += 1
    if (options.settled !== undefined && !delivery.settled) this.#waiting.set(delivery, options.settled)
  }

  #outcome(context: EventContext, kind: Outcome | 'modified'): void {
    const delivery = context.delivery as WritableDelivery
    if (delivery.settled) return
    delivery.update(true, delivery.remote_state === undefined ? undefined : OUTCOME_STATES[kind])
    // With receiver-settle-mode second the client's outcome came unsettled, and the library would wait for ever.
    delivery.remote_settled = true
    const settled = this.#waiting.get(delivery)
    this.#waiting.delete(delivery)
    settled?.(kind === 'modified' ? 'released' : kind)
  }
}

const OUTCOMES = ['accepted', 'rejected', 'released', 'modified'] as const
const OUTCOME_STATES = {
  accepted: messages.accepted().described(),
  rejected: messages.rejected({}).described(),
  released: messages.released().described(),
  modified: messages.modified({}).described(),
}
