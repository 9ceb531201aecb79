import { type HubSession, MAX_MESSAGE_BYTES, type Message, messageSize, type SendRefusal } from '@edgewright/core'
import { AMQP_CONDITION, Refusal, telemetryFromAmqp } from '@edgewright/protocol'
import type { ClientLink } from './client-link.js'
import { IncomingLink, type IncomingLinkOptions, type IncomingTransfer } from './incoming-link.js'
import { linkError } from './link-error.js'
import type { Receiver } from './rhea.js'

/** Counts the bytes of a connection that are under way. */
export interface InFlight {
  add(bytes: number): void
}

/**
 * Takes in telemetry of one client: gathers the transfers of a chunk into one batch for the hub, and settles each when
 * its messages are durable. Source: wire reference, section 3.5.
 */
export class TelemetryLink implements ClientLink {
  readonly link: Receiver
  readonly #incoming: IncomingLink
  readonly #inFlight: InFlight
  #session: HubSession | undefined
  #transfers: IncomingTransfer[] = []
  #batch: Message[] = []
  /** For each transfer, the place in the batch that its messages end before. */
  #ends: number[] = []

  constructor(link: Receiver, inFlight: InFlight, options: Omit<IncomingLinkOptions, 'take'>) {
    this.link = link
    this.#inFlight = inFlight
    this.#incoming = new IncomingLink(link, { ...options, take: transfer => this.#take(transfer) })
  }

  open(session: HubSession): void {
    this.#session = session
    this.#incoming.open()
  }

  close(): void {
    this.commit()
    this.#session = undefined
  }

  commit(): number {
    const batch = this.#batch
    const session = this.#session
    if (this.#transfers.length === 0 || session === undefined) return 0
    const settle = settlement(this.#transfers, this.#ends)
    const bytes = batch.reduce((sum, message) => sum + messageSize(message), 0)
    this.#transfers = []
    this.#batch = []
    this.#ends = []
    this.#inFlight.add(bytes)
    const done = (refusals: readonly SendRefusal[], failure?: unknown) => {
      settle(refusals, failure)
      this.#inFlight.add(-bytes)
    }
    session.send(batch).then(done, (error: unknown) => done([], error))
    return batch.length
  }

  #take(transfer: IncomingTransfer): void {
    const messages = transfer.messages.map(telemetryFromAmqp)
    const refusal = messages.find(message => message instanceof Refusal)
    if (refusal instanceof Refusal) transfer.reject(AMQP_CONDITION.decodeError, refusal.reason)
    else if (messages.length > 1 && (messages as Message[]).some(isTooLarge)) {
      // Of a batch, all or nothing is taken; a message by itself is the hub's to judge.
      transfer.reject(AMQP_CONDITION.messageSizeExceeded, `A message may hold ${MAX_MESSAGE_BYTES} bytes`)
    } else {
      this.#batch.push(...(messages as Message[]))
      this.#transfers.push(transfer)
      this.#ends.push(this.#batch.length)
    }
  }
}

function isTooLarge(message: Message): boolean {
  return messageSize(message) > MAX_MESSAGE_BYTES
}

/** Settles transfers in the order in which they came. */
function settlement(transfers: readonly IncomingTransfer[], ends: readonly number[]) {
  return (refusals: readonly SendRefusal[], failure: unknown): void => {
    let start = 0
    for (const [index, transfer] of transfers.entries()) {
      const end = ends[index]!
      const error = failure ?? refusals.find(refusal => refusal.index >= start && refusal.index < end)?.error
      start = end
      if (error === undefined) transfer.accept()
      else {
        const { condition, description } = linkError(error)
        transfer.reject(condition ?? AMQP_CONDITION.internalError, description ?? '')
      }
    }
  }
}
