import { Fifo } from '../fifo.js'
import {
  ACCEPTED,
  type Delivery,
  type EventContext,
  type LinkInternals,
  rejected,
  RELEASED,
  saidOf,
  type Sender,
  settle,
} from './rhea.js'

/** What a client made of a message. */
export type Outcome = 'accepted' | 'rejected' | 'released'

/** A message on its way out. Encoded when its turn has come, so that what waits costs nothing more. */
export interface OutgoingMessage {
  encode(): Buffer
  /** 1 to 32 bytes; the library's own running number when absent. */
  readonly tag?: Buffer | undefined
  /** Called once, with the client's outcome, or with `released` when the link goes first. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined
}

/** How an {@link OutgoingLink} behaves. */
export interface OutgoingLinkOptions {
  /** Messages that wait for the client's outcome. */
  readonly window: number
  /** Whether the connection wants nothing more for now. */
  readonly isCongested: () => boolean
}

/**
 * A link on which a client is sent to. Never hands over more than the client has credit for: in the library one such
 * message holds up all links of its session. Credit is counted here, because the library counts it a turn too late.
 */
export class OutgoingLink {
  readonly #sender: Sender & LinkInternals
  readonly #options: OutgoingLinkOptions
  readonly #unsettled = new Map<Delivery, (outcome: Outcome) => void>()
  readonly #queue = new Fifo<OutgoingMessage>()
  #sent = 0
  #isOpen = false

  constructor(sender: Sender, options: OutgoingLinkOptions) {
    this.#sender = sender as Sender & LinkInternals
    this.#options = options
    sender.on('sendable', () => this.pump())
    sender.on('sender_flow', () => this.pump())
    sender.on('sender_draining', () => this.#drain())
    for (const outcome of ['accepted', 'rejected', 'released', 'modified', 'settled'] as const) {
      sender.on(outcome, (context: EventContext) => this.#onOutcome(context.delivery as Delivery, outcome))
    }
  }

  /** Messages that wait for credit. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Lets messages out. */
  open(): void {
    this.#isOpen = true
    this.pump()
  }

  /** Sends as soon as it can be. */
  send(...messages: readonly OutgoingMessage[]): void {
    for (const message of messages) this.#queue.push(message)
    this.pump()
  }

  /** Sends what can be sent now. */
  pump(): void {
    while (this.#isOpen && this.#hasRoom) {
      const next = this.#queue.shift()
      if (next === undefined) return
      this.#hand(next)
    }
  }

  /** The link is gone: what has no outcome is released. What the client said last, together with its leave, counts. */
  close(): void {
    this.#isOpen = false
    const unsettled = [...this.#unsettled]
    this.#unsettled.clear()
    for (const [delivery, onOutcome] of unsettled) onOutcome(outcomeOf(saidOf(delivery)))
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next.onOutcome?.('released')
  }

  get #hasRoom(): boolean {
    const credit = this.#sender.delivery_count + this.#sender.credit - this.#sent
    const { window, isCongested } = this.#options
    return credit > 0 && this.#sender.sendable() && this.#unsettled.size < window && !isCongested()
  }

  #hand({ encode, tag, onOutcome }: OutgoingMessage): void {
    const delivery = this.#sender.send(encode(), tag, 0)
    this.#sent += 1
    if (delivery.settled) onOutcome?.('accepted')
    else this.#unsettled.set(delivery, onOutcome ?? (() => undefined))
  }

  #onOutcome(delivery: Delivery, kind: Outcome | 'modified' | 'settled'): void {
    const onOutcome = this.#unsettled.get(delivery)
    if (onOutcome === undefined) return
    this.#unsettled.delete(delivery)
    settle(delivery, kind === 'accepted' ? ACCEPTED : kind === 'rejected' ? rejected({}) : RELEASED)
    // With receiver-settle-mode second the outcome came unsettled, and the library would keep the delivery for ever.
    ;(delivery as { remote_settled: boolean }).remote_settled = true
    onOutcome(outcomeOf(kind))
    this.pump()
  }

  /** Credit that nothing waits for is given back, as the client asks. */
  #drain() {
    this.pump()
    if (this.#queue.length > 0) return
    // What was handed over and has not left yet needs its credit first.
    if (this.#sent !== this.#sender.delivery_count) return process.nextTick(() => this.#drain())
    const { credit } = this.#sender
    if (credit === 0) return
    // The library gives back one by one, up to 2³²: it is left the last, for which it says that the link is drained.
    this.#sender.delivery_count += credit - 1
    this.#sender.credit = 1
    this.#sent = this.#sender.delivery_count + 1
    this.#sender.set_drained(true)
  }
}

/** Modified, or settled without a word, is as good as released. */
function outcomeOf(said: string | undefined): Outcome {
  return said === 'accepted' || said === 'rejected' ? said : 'released'
}
