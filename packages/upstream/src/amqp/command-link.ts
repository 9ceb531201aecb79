import type { CloudDelivery, Settlement } from '@edgewright/core'
import { type AmqpMessage, deliveryFromAmqp, Refusal } from '@edgewright/protocol'
import type { Delivery, EventContext, Receiver } from 'rhea'
import type { LinkHost } from './link-host.js'
import { settle } from './settle.js'

/** Messages without a settlement at once; the hub queues at most 50 for an identity. */
const WINDOW = 20

/** The link that cloud-to-device messages of one identity come by. */
export class CommandLink {
  readonly #host: LinkHost
  readonly #receiver: Receiver

  private constructor(host: LinkHost, receiver: Receiver, onCommand: (delivery: CloudDelivery) => void) {
    this.#host = host
    this.#receiver = receiver
    receiver.on('message', (context: EventContext) => {
      const { delivery } = context
      const parsed = deliveryFromAmqp(context.message as AmqpMessage)
      if (delivery === undefined) return
      if (parsed instanceof Refusal) return this.#settle(delivery, 'rejected')
      let settled = false
      onCommand({
        message: parsed.message,
        settle: settlement => {
          if (settled || host.ended.aborted) return
          settled = true
          this.#settle(delivery, settlement)
        },
      })
    })
    receiver.add_credit(WINDOW)
  }

  /** @throws as `CloudSession` */
  static async open(host: LinkHost, onCommand: (delivery: CloudDelivery) => void): Promise<CommandLink> {
    const receiver = await host.attachReceiver('devicebound', { snd_settle_mode: 0, rcv_settle_mode: 0 })
    return new CommandLink(host, receiver, onCommand)
  }

  close(): void {
    this.#host.detach(this.#receiver)
  }

  #settle(delivery: Delivery, settlement: Settlement): void {
    settle(delivery, settlement)
    this.#receiver.add_credit(1)
  }
}
