import {
  type AmqpMessage,
  CBS_ADDRESS,
  idText,
  type PutTokenReply,
  putTokenReplyFromAmqp,
  putTokenToAmqp,
  Refusal,
} from '@edgewright/protocol'
import type { EventContext, Receiver, Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'
import { AmqpRefusal, opened } from './opened.js'
import { Pending } from '../pending.js'
import { RequestQueue } from './request-queue.js'

/** Answers the peer may send before more are asked for. */
const REPLY_WINDOW = 64

/** The `$cbs` node of one connection: one pair of links for the tokens of all identities. */
export class TokenNode {
  readonly #replies = new Pending<PutTokenReply>()
  readonly #requests: RequestQueue
  #next = 0

  private constructor(connection: AmqpConnection, sender: Sender, receiver: Receiver) {
    this.#requests = new RequestQueue(connection, sender)
    receiver.on('message', (context: EventContext) => this.#answer(context.message as AmqpMessage))
    sender.on('sender_close', () => this.#replies.end(AmqpRefusal.from(sender.error)))
    receiver.on('receiver_close', () => this.#replies.end(AmqpRefusal.from(receiver.error)))
    void connection.lost.then(failure => this.#replies.end(failure))
  }

  /**
   * Opens the node's links.
   *
   * @throws AmqpRefusal, or the signal's reason
   */
  static async open(connection: AmqpConnection, signal: AbortSignal): Promise<TokenNode> {
    const session = connection.beginSession()
    const receiver = session.attach_receiver({ source: CBS_ADDRESS, credit_window: REPLY_WINDOW })
    const sender = session.attach_sender({ target: CBS_ADDRESS })
    const node = new TokenNode(connection, sender, receiver)
    await Promise.all([opened(receiver, signal), opened(sender, signal)])
    return node
  }

  /**
   * Puts a token; resolves with the node's verdict.
   *
   * @throws AmqpRefusal or NetworkFailure when none comes, or the signal's reason
   */
  async put(audience: string, token: string, signal: AbortSignal): Promise<PutTokenReply> {
    const id = String(this.#next++)
    const reply = this.#replies.wait(id, signal)
    this.#requests.push(putTokenToAmqp({ id, audience, token }))
    return reply
  }

  #answer(message: AmqpMessage): void {
    const reply = putTokenReplyFromAmqp(message)
    if (!(reply instanceof Refusal)) this.#replies.answer(idText(reply.id) ?? '', reply)
  }
}
