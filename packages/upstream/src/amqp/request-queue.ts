import { encodeAmqpMessage, type WritableAmqpMessage } from '@edgewright/protocol'
import type { Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'
import { CreditedSender } from './credited-sender.js'

/** Small messages that leave in order as the peer gives credit, and whose outcome shows elsewhere or not at all. */
export class RequestQueue {
  readonly #queue: Buffer[] = []
  readonly #sender: CreditedSender

  constructor(connection: AmqpConnection, link: Sender) {
    const queue = this.#queue
    this.#sender = new CreditedSender(link, connection, {
      ready: () => queue.length > 0,
      take: () => ({ payload: queue.shift()!, format: 0 }),
    })
  }

  push(message: WritableAmqpMessage): void {
    this.#queue.push(encodeAmqpMessage(message))
    this.#sender.pump()
  }
}
