import {
  AMQP_CONDITION,
  encodeAmqpMessage,
  putTokenFromAmqp,
  type PutTokenReply,
  putTokenReplyToAmqp,
  Refusal,
} from '@edgewright/protocol'
import { IncomingLink, type IncomingLinkOptions, type IncomingTransfer } from './incoming-link.js'
import { OutgoingLink, type OutgoingLinkOptions } from './outgoing-link.js'
import type { Receiver, Sender, Session } from './rhea.js'

/** What came of a token: the status that the client is told. */
export interface TokenVerdict {
  /** As HTTP has it: 200, 400, 401, 503. */
  readonly status: number
  readonly description: string
}

/** What a {@link TokenNode} works with. */
export interface TokenNodeOptions extends Omit<IncomingLinkOptions, 'take'>, OutgoingLinkOptions {
  /** Judges a token. May take its time; never rejects. */
  readonly judge: (token: string) => Promise<TokenVerdict>
  /** Answers that may wait for the link that takes them. */
  readonly maxWaiting: number
}

/**
 * The node `$cbs` of a connection: tokens come on one link, answers leave on another of the same session, whichever was
 * attached first. Source: wire reference, section 3.2.
 */
export class TokenNode {
  readonly #options: TokenNodeOptions
  readonly #answers = new WeakMap<Session, OutgoingLink>()
  readonly #waiting = new WeakMap<Session, Buffer[]>()

  constructor(options: TokenNodeOptions) {
    this.#options = options
  }

  /** A link on which tokens come. */
  attachIncoming(receiver: Receiver): void {
    const { session } = receiver
    const link = new IncomingLink(receiver, { ...this.#options, take: transfer => this.#take(transfer, session) })
    link.open()
  }

  /** A link on which answers leave. */
  attachOutgoing(sender: Sender): void {
    const { session } = sender
    const link = new OutgoingLink(sender, this.#options)
    this.#answers.set(session, link)
    link.open()
    for (const answer of this.#waiting.get(session)?.splice(0) ?? []) link.send({ encode: () => answer })
  }

  #take(transfer: IncomingTransfer, session: Session) {
    const [message] = transfer.messages
    if (message === undefined || transfer.messages.length > 1) {
      return transfer.reject(AMQP_CONDITION.notAllowed, 'One token at a time')
    }
    const request = putTokenFromAmqp(message)
    if (request instanceof Refusal) {
      this.#answer(session, { id: message.message_id ?? '', status: 400, description: request.reason })
      return transfer.accept()
    }
    void this.#options.judge(request.token).then(verdict => {
      this.#answer(session, { id: request.id, ...verdict })
      transfer.accept()
    })
  }

  #answer(session: Session, reply: PutTokenReply): void {
    const answer = encodeAmqpMessage(putTokenReplyToAmqp(reply))
    const link = this.#answers.get(session)
    if (link !== undefined) {
      if (link.waiting < this.#options.maxWaiting) link.send({ encode: () => answer })
      return
    }
    const waiting = this.#waiting.get(session) ?? []
    if (waiting.length < this.#options.maxWaiting) this.#waiting.set(session, [...waiting, answer])
  }
}
