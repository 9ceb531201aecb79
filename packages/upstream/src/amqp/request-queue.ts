import { encodeAmqpMessage, type WritableAmqpMessage } from '@edgewright/protocol'
import type { Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'
import { CreditedSender } from './credited-sender.js'

/** Small messages that leave in order as the peer gives credit, and whose outcome shows elsewhere or not at all. */
export class RequestQueue {
  readonly #queue: Buffer[] = []
  readonly #sender: CreditedSender
  readonly #onQueued: (bytes: number) => void

  constructor(connection: AmqpConnection, link: Sender, onQueued: (bytes: number) => void = () => undefined) {
    const queue = this.#queue
    this.#onQueued = onQueued
    this.#sender = new CreditedSender(link, connection, {
      ready: () => queue.length > 0,
      take: () => ({ payload: queue.shift()!, format: 0 }),
    })
  }

  push(message: WritableAmqpMessage): void {
    const payload = encodeAmqpMessage(message)
    this.#onQueued(payload.byteLength)
    this.#queue.push(payload)
    this.#sender.pump()
  }
}
