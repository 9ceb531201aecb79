import type { CloudDelivery, Settlement } from '@edgewright/core'
import { type AmqpMessage, deliveryFromAmqp, Refusal } from '@edgewright/protocol'
import type { Delivery, EventContext, Receiver } from 'rhea'
import { detach, type LinkHost, type OnLinkClosed } from './link-host.js'
import { settle } from './settle.js'

/** Messages without a settlement at once; the hub queues at most 50 for an identity. */
const WINDOW = 20

/** The link that cloud-to-device messages of one identity come by. */
export class CommandLink {
  readonly #receiver: Receiver

  private constructor(host: LinkHost, receiver: Receiver, onCommand: (delivery: CloudDelivery) => void) {
    this.#receiver = receiver
    receiver.on('message', (context: EventContext) => {
      const { delivery } = context
      const parsed = deliveryFromAmqp(context.message as AmqpMessage)
      if (delivery === undefined) return
      if (parsed instanceof Refusal) return this.#settle(delivery, 'rejected')
      host.traffic.count('command', 'in', parsed.message.body.byteLength)
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
  static async open(
    host: LinkHost,
    onCommand: (delivery: CloudDelivery) => void,
    onClosed: OnLinkClosed,
  ): Promise<CommandLink> {
    const options = { snd_settle_mode: 0 as const, rcv_settle_mode: 0 as const }
    const receiver = await host.attachReceiver('devicebound', options, onClosed)
    return new CommandLink(host, receiver, onCommand)
  }

  close(): void {
    detach(this.#receiver)
  }

  #settle(delivery: Delivery, settlement: Settlement): void {
    settle(delivery, settlement)
    this.#receiver.add_credit(1)
  }
}
