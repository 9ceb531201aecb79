import type { HubSession, MethodRequest, MethodResponse } from '@edgewright/core'
import {
  encodeAmqpMessage,
  idText,
  methodRequestToAmqp,
  methodResponseFromAmqp,
  Refusal,
  uuidBytes,
} from '@edgewright/protocol'
import { readMethodAnswer } from '../control-bodies.js'
import type { PendingMethods } from '../pending-methods.js'
import type { ClientLink } from './client-link.js'
import { IncomingLink, type IncomingLinkOptions, type IncomingTransfer } from './incoming-link.js'
import { OutgoingLink, type OutgoingLinkOptions } from './outgoing-link.js'
import type { Receiver, Sender } from './rhea.js'

/** Carries method calls to a client. Source: wire reference, section 3.8. */
export class MethodCallLink implements ClientLink {
  readonly link: Sender
  readonly correlation: string | undefined
  readonly #outgoing: OutgoingLink
  readonly #pending: PendingMethods

  constructor(link: Sender, correlation: string | undefined, pending: PendingMethods, options: OutgoingLinkOptions) {
    this.link = link
    this.correlation = correlation
    this.#pending = pending
    this.#outgoing = new OutgoingLink(link, options)
  }

  open(session: HubSession): void {
    this.#outgoing.open()
    void session.subscribe('methods').catch(() => undefined)
  }

  close(session: HubSession | undefined): void {
    void session?.unsubscribe('methods').catch(() => undefined)
    this.#outgoing.close()
  }

  pump(): void {
    this.#outgoing.pump()
  }

  /** Sends a call, and waits for the answer on the other link. */
  call({ name, payload }: MethodRequest, signal: AbortSignal): Promise<MethodResponse> {
    const body = Buffer.from(payload === undefined ? '' : JSON.stringify(payload))
    return this.#pending.call(requestId => {
      const message = methodRequestToAmqp({ id: uuidBytes(requestId) ?? requestId, name, body })
      this.#outgoing.send({ encode: () => encodeAmqpMessage(message) })
    }, signal)
  }
}

/** Takes a client's answers to method calls. */
export class MethodAnswerLink implements ClientLink {
  readonly link: Receiver
  readonly correlation: string | undefined
  readonly #incoming: IncomingLink
  readonly #pending: PendingMethods

  constructor(
    link: Receiver,
    correlation: string | undefined,
    pending: PendingMethods,
    incoming: Omit<IncomingLinkOptions, 'take'>,
  ) {
    this.link = link
    this.correlation = correlation
    this.#pending = pending
    this.#incoming = new IncomingLink(link, { ...incoming, take: transfer => this.#take(transfer) })
  }

  open(): void {
    this.#incoming.open()
  }

  close(): void {}

  #take(transfer: IncomingTransfer): void {
    for (const message of transfer.messages) {
      const answer = methodResponseFromAmqp(message)
      const malformed = answer instanceof Refusal
      const requestId = idText(message.correlation_id)
      if (requestId === undefined) continue
      const response = malformed
        ? readMethodAnswer(undefined, Buffer.alloc(0))
        : readMethodAnswer(answer.status, Buffer.from(answer.body))
      this.#pending.answer(requestId, response)
    }
    transfer.accept()
  }
}
