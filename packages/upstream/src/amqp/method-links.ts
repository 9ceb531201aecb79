import {
  type AmqpMessage,
  type AmqpMethodRequest,
  methodRequestFromAmqp,
  methodResponseToAmqp,
  Refusal,
} from '@edgewright/protocol'
import type { EventContext } from 'rhea'
import { answerMethod, type MethodHandler } from '../method-call.js'
import type { LinkHost, OnLinkClosed } from './link-host.js'
import { attachPair, type LinkPair } from './link-pair.js'
import { RequestQueue } from './request-queue.js'

/** Calls under way at once. */
const WINDOW = 20
/** The pair of links that method calls of one identity come by. */
export class MethodLinks {
  readonly #host: LinkHost
  readonly #pair: LinkPair
  readonly #responses: RequestQueue

  private constructor(host: LinkHost, pair: LinkPair, handler: MethodHandler) {
    this.#host = host
    this.#pair = pair
    this.#responses = new RequestQueue(host.context.connection, pair.sender, bytes =>
      host.traffic.count('method', 'out', bytes),
    )
    const { receiver } = pair
    receiver.on('message', ({ delivery, message }: EventContext) => {
      delivery?.accept()
      const request = methodRequestFromAmqp(message as AmqpMessage)
      if (request instanceof Refusal) return receiver.add_credit(1)
      host.traffic.count('method', 'in', request.body.byteLength)
      void this.#call(request, handler).finally(() => receiver.add_credit(1))
    })
    receiver.add_credit(WINDOW)
  }

  /** @throws as `CloudSession` */
  static async open(host: LinkHost, handler: MethodHandler, onClosed: OnLinkClosed): Promise<MethodLinks> {
    return new MethodLinks(host, await attachPair(host, 'methods', onClosed), handler)
  }

  close(): void {
    this.#pair.close()
  }

  async #call({ id, name, body }: AmqpMethodRequest, handler: MethodHandler): Promise<void> {
    const { identity, ended: signal, context } = this.#host
    const answer = await answerMethod({ identity, name, body, signal, logger: context.logger }, handler)
    if (!signal.aborted) this.#responses.push(methodResponseToAmqp({ id, ...answer }))
  }
}
