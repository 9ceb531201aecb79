import { AMQP_BATCH_FORMAT, type AmqpMessage, decodeAmqpBatch, Refusal } from '@edgewright/protocol'
import { HubError } from '../state/hub-error.js'
import { decodeMessage, type Delivery, type EventContext, messages, type Receiver } from './rhea.js'
import type { Settlements } from './settlements.js'

/** A transfer from a client that waits for its outcome. Exactly one of the outcomes is to be called, once. */
export class IncomingDelivery {
  /** One message, or those of a batch: accepted or rejected together. */
  readonly messages: readonly AmqpMessage[]
  readonly #delivery: Delivery
  readonly #settle: (delivery: Delivery, state: unknown) => void

  constructor(
    messages: readonly AmqpMessage[],
    delivery: Delivery,
    settle: (delivery: Delivery, state: unknown) => void,
  ) {
    this.messages = messages
    this.#delivery = delivery
    this.#settle = settle
  }

  accept(): void {
    this.#settle(this.#delivery, ACCEPTED)
  }

  /** Refuses with an error: without one the device SDKs report success. */
  reject(error: HubError): void {
    const { condition, message: description } = error
    this.#settle(this.#delivery, messages.rejected({ error: { condition, description } }).described())
  }
}

/** A link on which a client sends to the hub: keeps its credit topped up as deliveries are settled, never before. */
export class IncomingLink {
  readonly #receiver: Receiver
  readonly #window: number
  #settledSinceTopUp = 0

  /** @param settlements - of the connection */
  constructor(
    receiver: Receiver,
    window: number,
    settlements: Settlements,
    take: (delivery: IncomingDelivery) => void,
  ) {
    this.#receiver = receiver
    this.#window = window
    const settle = (delivery: Delivery, state: unknown) =>
      settlements.add(state === ACCEPTED, () => this.#settle(delivery, state))
    receiver.on('message', (context: EventContext) => {
      const received = contents(context)
      const delivery = new IncomingDelivery(received ?? [], context.delivery as Delivery, settle)
      if (received !== undefined) take(delivery)
      else delivery.reject(new HubError('ArgumentInvalid', 'The batch cannot be read'))
    })
    receiver.add_credit(window)
  }

  #settle(delivery: Delivery, state: unknown): void {
    delivery.update(true, state)
    this.#settledSinceTopUp += 1
    if (this.#settledSinceTopUp * 4 < this.#window) return
    this.#receiver.add_credit(this.#settledSinceTopUp)
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
