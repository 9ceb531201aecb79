import { describeError, identityKey, type MethodRequest, type MethodResponse } from '@edgewright/core'
import {
  type AmqpMessage,
  type AmqpMethodRequest,
  methodRequestFromAmqp,
  methodResponseToAmqp,
  Refusal,
} from '@edgewright/protocol'
import type { EventContext } from 'rhea'
import { jsonBytes, parseJson } from '../twin-document.js'
import type { LinkHost, OnLinkClosed } from './link-host.js'
import { attachPair, type LinkPair } from './link-pair.js'
import { RequestQueue } from './request-queue.js'

/** Calls under way at once. */
const WINDOW = 20
/** The hub keeps the time of a call and does not tell it; this is the most it allows, in milliseconds. */
const LONGEST_CALL = 300_000

/** Takes one call. */
export type MethodHandler = (request: MethodRequest, signal: AbortSignal) => Promise<MethodResponse>

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
    const payload = parseJson(body)
    const limits = { responseTimeout: LONGEST_CALL, connectTimeout: 0 }
    const request = payload === undefined ? { name, ...limits } : { name, payload, ...limits }
    const response = await handler(request, this.#host.ended).catch((error: unknown): MethodResponse => {
      const message = describeError(error)
      const identity = identityKey(this.#host.identity)
      this.#host.context.logger.log('warn', 'a method call was not answered', {
        identity,
        method: name,
        error: message,
      })
      return { status: 500, payload: { message } }
    })
    if (this.#host.ended.aborted) return
    this.#responses.push(methodResponseToAmqp({ id, status: response.status, body: jsonBytes(response.payload) }))
  }
}
