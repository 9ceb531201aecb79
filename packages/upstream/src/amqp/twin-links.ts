import { randomUUID } from 'node:crypto'
import type { JsonObject, Twin, TwinPatch } from '@edgewright/core'
import {
  type AmqpMessage,
  type AmqpTwinNotice,
  idText,
  Refusal,
  twinNoticeFromAmqp,
  type TwinOperation,
  twinRequestToAmqp,
} from '@edgewright/protocol'
import type { EventContext } from 'rhea'
import { jsonBytes, parseDesiredPatch, parseTwin, requestFailure } from '../twin-document.js'
import type { LinkHost, OnLinkClosed } from './link-host.js'
import { attachPair, type LinkPair } from './link-pair.js'
import { Pending } from '../pending.js'
import { RequestQueue } from './request-queue.js'

type TwinResponse = Extract<AmqpTwinNotice, { kind: 'response' }>

/** Answers and changes the peer may send before more are asked for. */
const WINDOW = 50
/** What requests without a body of their own carry, as IoT Hub's clients do. */
const NO_BODY = Buffer.from(' ')

/** The pair of links to one identity's twin. */
export class TwinLinks {
  readonly #host: LinkHost
  readonly #requests: RequestQueue
  readonly #responses: Pending<TwinResponse>

  private constructor(host: LinkHost, { sender }: LinkPair, responses: Pending<TwinResponse>) {
    this.#host = host
    this.#requests = new RequestQueue(host.context.connection, sender, bytes =>
      host.traffic.count('twin', 'out', bytes),
    )
    this.#responses = responses
    host.ended.addEventListener('abort', () => responses.end(host.ended.reason), { once: true })
  }

  /** @throws as `CloudSession` */
  static async open(host: LinkHost, onDesired: (patch: TwinPatch) => void, onClosed: OnLinkClosed): Promise<TwinLinks> {
    const responses = new Pending<TwinResponse>()
    const pair = await attachPair(host, 'twin', error => {
      responses.end(error)
      onClosed(error)
    })
    const { receiver } = pair
    receiver.on('message', ({ delivery, message }: EventContext) => {
      delivery?.accept()
      receiver.add_credit(1)
      const notice = twinNoticeFromAmqp(message as AmqpMessage)
      if (notice instanceof Refusal) return
      host.traffic.count('twin', 'in', notice.body.byteLength)
      if (notice.kind === 'response') return responses.answer(idText(notice.id) ?? '', notice)
      const patch = parseDesiredPatch(notice.body, notice.version)
      if (patch !== undefined) onDesired(patch)
    })
    receiver.add_credit(WINDOW)
    return new TwinLinks(host, pair, responses)
  }

  /** @throws as `CloudSession` */
  async get(signal?: AbortSignal): Promise<Twin> {
    return parseTwin((await this.#request('get', NO_BODY, signal)).body)
  }

  /** @returns the new version of the reported properties @throws as `CloudSession` */
  async report(patch: JsonObject, signal?: AbortSignal): Promise<number> {
    const { version } = await this.#request('patch', jsonBytes(patch), signal)
    // A gateway in the hub's place answers without a version.
    return version ?? (await this.get(signal)).reported.version
  }

  /** Asks to be told of changes to the desired properties, or no longer. @throws as `CloudSession` */
  async subscribe(wanted: boolean): Promise<void> {
    await this.#request(wanted ? 'subscribe' : 'unsubscribe', NO_BODY)
  }

  async #request(operation: TwinOperation, body: Uint8Array, signal?: AbortSignal): Promise<TwinResponse> {
    const id = randomUUID()
    const response = await this.#host.timed('no answer to a twin request', signal, inner => {
      const waiting = this.#responses.wait(id, inner)
      this.#requests.push(twinRequestToAmqp({ operation, id, body }))
      return waiting
    })
    if (response.status >= 200 && response.status < 300) return response
    throw requestFailure(this.#host.identity, response.status, response.body)
  }
}
