import { randomUUID } from 'node:crypto'
import { describeError, identityKey, type MethodRequest, type MethodResponse } from '@edgewright/core'
import {
  type AmqpMessage,
  type AmqpMethodRequest,
  methodRequestFromAmqp,
  methodResponseToAmqp,
  Refusal,
} from '@edgewright/protocol'
import type { EventContext, Receiver, Sender } from 'rhea'
import { jsonBytes, parseJson } from '../twin-document.js'
import type { LinkHost } from './link-host.js'
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
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #responses: RequestQueue

  private constructor(host: LinkHost, sender: Sender, receiver: Receiver, handler: MethodHandler) {
    this.#host = host
    this.#sender = sender
    this.#receiver = receiver
    this.#responses = new RequestQueue(host.connection, sender)
    receiver.on('message', (context: EventContext) => {
      context.delivery?.accept()
      const request = methodRequestFromAmqp(context.message as AmqpMessage)
      if (request instanceof Refusal) return receiver.add_credit(1)
      void this.#call(request, handler).finally(() => receiver.add_credit(1))
    })
    receiver.add_credit(WINDOW)
  }

  /** @throws as `CloudSession` */
  static async open(host: LinkHost, handler: MethodHandler): Promise<MethodLinks> {
    const options = {
      snd_settle_mode: 1 as const,
      rcv_settle_mode: 0 as const,
      properties: { 'com.microsoft:channel-correlation-id': `methods:${randomUUID()}` },
    }
    const sender = await host.attachSender('methods', options)
    return new MethodLinks(host, sender, await host.attachReceiver('methods', options), handler)
  }

  close(): void {
    this.#host.detach(this.#receiver)
    this.#host.detach(this.#sender)
  }

  async #call({ id, name, body }: AmqpMethodRequest, handler: MethodHandler): Promise<void> {
    const payload = parseJson(body)
    const limits = { responseTimeout: LONGEST_CALL, connectTimeout: 0 }
    const request = payload === undefined ? { name, ...limits } : { name, payload, ...limits }
    const response = await handler(request, this.#host.ended).catch((error: unknown): MethodResponse => {
      const message = describeError(error)
      const identity = identityKey(this.#host.identity)
      this.#host.logger.log('warn', 'a method call was not answered', { identity, method: name, error: message })
      return { status: 500, payload: { message } }
    })
    if (this.#host.ended.aborted) return
    this.#responses.push(methodResponseToAmqp({ id, status: response.status, body: jsonBytes(response.payload) }))
  }
}
