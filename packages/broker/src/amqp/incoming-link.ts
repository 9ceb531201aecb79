import {
  AMQP_BATCH_FORMAT,
  AMQP_CONDITION,
  AMQP_LIMITS,
  type AmqpMessage,
  decodeAmqpBatch,
  Refusal,
} from '@edgewright/protocol'
import { ACCEPTED, decodeMessage, type Delivery, type EventContext, type Receiver, rejected, settle } from './rhea.js'

/** What came in one transfer: a message, or several in the batch format, which share their outcome. */
export class IncomingTransfer {
  readonly messages: readonly AmqpMessage[]
  readonly #delivery: Delivery
  readonly #onSettled: () => void

  constructor(messages: readonly AmqpMessage[], delivery: Delivery, onSettled: () => void) {
    this.messages = messages
    this.#delivery = delivery
    this.#onSettled = onSettled
  }

  accept(): void {
    settle(this.#delivery, ACCEPTED)
    this.#onSettled()
  }

  /** Refuses with an error: without one the Node SDK reports success. */
  reject(condition: string, description: string): void {
    settle(this.#delivery, rejected({ condition, description }))
    this.#onSettled()
  }
}

/** What an {@link IncomingLink} does with what comes. */
export interface IncomingLinkOptions {
  /** Transfers that may be under way. */
  readonly window: number
  readonly take: (transfer: IncomingTransfer) => void
  /** The peer sent more than it had credit for. */
  readonly onViolation: (reason: string) => void
}

/** A link on which a client sends: gets credit when it is opened, and anew as its transfers are settled, never before. */
export class IncomingLink {
  readonly #receiver: Receiver
  readonly #options: IncomingLinkOptions
  #credit = 0
  #settled = 0

  constructor(receiver: Receiver, options: IncomingLinkOptions) {
    this.#receiver = receiver
    this.#options = options
    receiver.on('message', (context: EventContext) => this.#onMessage(context))
  }

  /** Lets the client send. */
  open(): void {
    this.#grant(this.#options.window)
  }

  #grant(credit: number): void {
    this.#credit += credit
    this.#receiver.add_credit(credit)
  }

  #onMessage(context: EventContext) {
    const delivery = context.delivery as Delivery
    if (this.#credit === 0) return this.#options.onViolation(TOO_MANY)
    this.#credit -= 1
    const messages = contents(context)
    const transfer = new IncomingTransfer(messages ?? [], delivery, () => this.#onSettled())
    if (messages === undefined) transfer.reject(AMQP_CONDITION.decodeError, 'The batch cannot be read')
    else this.#options.take(transfer)
  }

  #onSettled(): void {
    this.#settled += 1
    if (this.#settled * 4 < this.#options.window) return
    const settled = this.#settled
    this.#settled = 0
    this.#grant(settled)
  }
}

const TOO_MANY = 'more transfers than the link had credit for'

/** The messages of a transfer; undefined when they cannot be told apart or there are too many bytes. */
function contents(context: EventContext & { readonly format?: number }): readonly AmqpMessage[] | undefined {
  if (context.format === undefined) return [context.message as unknown as AmqpMessage]
  // In a format of its own the library leaves the payload as it came.
  const payload = context.message as unknown as Buffer
  if (context.format !== AMQP_BATCH_FORMAT) return [decodeMessage(payload)]
  if (payload.length > AMQP_LIMITS.maxBatchSize) return undefined
  const parts = decodeAmqpBatch(payload)
  return parts instanceof Refusal ? undefined : parts.map(decodeMessage)
}
