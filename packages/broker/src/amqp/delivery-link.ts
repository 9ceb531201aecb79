import { randomBytes } from 'node:crypto'
import type { ClientDelivery, HubSession, Identity, Message, Settlement } from '@edgewright/core'
import { deliveryToAmqp, encodeAmqpMessage, formatLinkAddress, idText, uuidBytes } from '@edgewright/protocol'
import type { ClientLink } from './client-link.js'
import { OutgoingLink, type OutgoingLinkOptions, type Outcome } from './outgoing-link.js'
import type { Sender } from './rhea.js'

/** Carries inputs or commands to a client, and its settlements back. Source: wire reference, section 3.6. */
export class DeliveryLink implements ClientLink {
  readonly link: Sender
  readonly #outgoing: OutgoingLink
  readonly #subscription: 'inputs' | 'commands'
  readonly #to: string | undefined

  constructor(link: Sender, identity: Identity, subscription: 'inputs' | 'commands', options: OutgoingLinkOptions) {
    this.link = link
    this.#outgoing = new OutgoingLink(link, options)
    this.#subscription = subscription
    this.#to = subscription === 'commands' ? formatLinkAddress('devicebound', identity) : undefined
  }

  open(session: HubSession): void {
    this.#outgoing.open()
    void session.subscribe(this.#subscription).catch(() => undefined)
  }

  close(session: HubSession | undefined): void {
    void session?.unsubscribe(this.#subscription).catch(() => undefined)
    this.#outgoing.close()
  }

  pump(): void {
    this.#outgoing.pump()
  }

  /** Sends deliveries in their order, as the client gives credit. */
  deliver(deliveries: readonly ClientDelivery[]): void {
    this.#outgoing.send(...deliveries.map(delivery => this.#outgoingMessage(delivery)))
  }

  #outgoingMessage({ message, input, settle }: ClientDelivery) {
    const known = message.system.lockToken === undefined ? undefined : uuidBytes(message.system.lockToken)
    const tag = Buffer.from(known ?? randomBytes(16))
    return {
      tag,
      encode: () => encodeAmqpMessage(deliveryToAmqp({ input, message: this.#addressed(message, tag) })),
      onOutcome: (outcome: Outcome) => settle(SETTLEMENTS[outcome]),
    }
  }

  /** C# clients settle by the lock token, and read it from the tag and from the annotation alike. */
  #addressed(message: Message, tag: Buffer): Message {
    const system = { to: this.#to, ...message.system, lockToken: idText(tag) }
    return { ...message, system }
  }
}

const SETTLEMENTS: Readonly<Record<Outcome, Settlement>> = {
  accepted: 'completed',
  rejected: 'rejected',
  released: 'abandoned',
}
