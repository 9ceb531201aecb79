import { AMQP_BATCH_FORMAT, type AmqpMessage, decodeAmqpBatch, Refusal } from '@edgewright/protocol'
import { HubError } from '../state/hub-error.js'
import { decodeMessage, type Delivery, type EventContext, messages, type Receiver } from './rhea.js'

/** A transfer from a client that waits for its outcome. Exactly one of the outcomes is to be called, once. */
export class IncomingDelivery {
  /** One message, or those of a batch: accepted or rejected together. */
  readonly messages: readonly AmqpMessage[]
  readonly #delivery: Delivery
  readonly #settled: () => void

  constructor(messages: readonly AmqpMessage[], delivery: Delivery, settled: () => void) {
    this.messages = messages
    this.#delivery = delivery
    this.#settled = settled
  }

  accept(): void {
    this.#settle(ACCEPTED)
  }

  /** Refuses with an error: without one the device SDKs report success. */
  reject(error: HubError): void {
    this.#settle(messages.rejected({ error: { condition: error.condition, description: error.message } }).described())
  }

  #settle(state: unknown): void {
    this.#delivery.update(true, state)
    this.#settled()
  }
}

/** A link on which a client sends to the hub: keeps its credit topped up as deliveries are settled, never before. */
export class IncomingLink {
  readonly receiver: Receiver
  readonly #window: number
  #settledSinceTopUp = 0

  constructor(receiver: Receiver, window: number, take: (delivery: IncomingDelivery) => void) {
    this.receiver = receiver
    this.#window = window
    receiver.on('message', (context: EventContext) => {
      const received = contents(context)
      const delivery = new IncomingDelivery(received ?? [], context.delivery as Delivery, () => this.#topUp())
      if (received !== undefined) take(delivery)
      else delivery.reject(new HubError('ArgumentInvalid', 'The batch cannot be read'))
    })
    receiver.add_credit(window)
  }

  #topUp(): void {
    this.#settledSinceTopUp += 1
    if (this.#settledSinceTopUp * 4 < this.#window) return
    this.receiver.add_credit(this.#settledSinceTopUp)
    this.#settledSinceTopUp = 0
  }
}

const ACCEPTED = messages.accepted().described()

/** The messages of a transfer; undefined when they cannot be told apart. */
function contents(context: EventContext & { readonly format?: number }): readonly AmqpMessage[] | undefined {
  if (context.format === undefined) return [context.message as AmqpMessage]
  // In a format of its own the library leaves the payload undecoded.
  const payload = context.message as unknown as Buffer
  if (context.format !== AMQP_BATCH_FORMAT) return [decodeMessage(payload)]
  const parts = decodeAmqpBatch(payload)
  return parts instanceof Refusal ? undefined : parts.map(decodeMessage)
}
