import type { Delivery, Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'

/** What goes out under one delivery. */
export interface Transfer {
  readonly payload: Buffer
  /** The message format; 0 for one message as AMQP has it. */
  readonly format: number
}

/** Where a {@link CreditedSender} gets messages, and whom it tells. */
export interface MessageSupply {
  /** Whether there is a message to send now. */
  ready(): boolean
  /** The next transfer; called only when ready. */
  take(): Transfer
  /** It was handed over. */
  handed?(delivery: Delivery): void
}

/**
 * Hands messages to a rhea sender, never more than the peer has credit for and the stream has room for: in rhea, one
 * message without credit holds up every link of its session, and nothing stops the socket's buffer from growing.
 */
export class CreditedSender {
  readonly #sender: Sender
  readonly #connection: AmqpConnection
  readonly #supply: MessageSupply
  #handed = 0
  #waiting = false

  constructor(sender: Sender, connection: AmqpConnection, supply: MessageSupply) {
    this.#sender = sender
    this.#connection = connection
    this.#supply = supply
    sender.on('sender_flow', () => this.pump()).on('sendable', () => this.pump())
  }

  /** Sends what can be sent. To be called whenever the supply may have become ready. */
  pump(): void {
    while (this.#supply.ready() && this.#hasCredit()) {
      if (this.#connection.congested) {
        this.#waitForRoom()
        return
      }
      this.#handed += 1
      const { payload, format } = this.#supply.take()
      const delivery = this.#sender.send(payload, undefined, format)
      this.#supply.handed?.(delivery)
    }
  }

  /** rhea takes credit off on its next tick only, so what was handed over and has not left yet counts too. */
  #hasCredit(): boolean {
    const { credit, delivery_count: left } = this.#sender as unknown as LinkCounters
    return this.#sender.sendable() && credit - (this.#handed - left) > 0
  }

  #waitForRoom(): void {
    if (this.#waiting) return
    this.#waiting = true
    this.#connection.whenDrained(() => {
      this.#waiting = false
      this.pump()
    })
  }
}

interface LinkCounters {
  readonly credit: number
  readonly delivery_count: number
}
