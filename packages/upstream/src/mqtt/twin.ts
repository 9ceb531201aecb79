import { randomUUID } from 'node:crypto'
import type { JsonObject, Twin } from '@edgewright/core'
import { type ClientTopic, formatClientTopic, TWIN_RESPONSE_FILTER, type TwinResponseTopic } from '@edgewright/protocol'
import { offline } from '../errors.js'
import { withDeadline } from '../network/deadline.js'
import { OnDemand } from '../on-demand.js'
import { Pending } from '../pending.js'
import { jsonBytes, parseTwin, requestFailure } from '../twin-document.js'
import type { SessionHost } from './session-host.js'

/** The answer to one request. */
interface TwinResponse extends TwinResponseTopic {
  readonly body: Uint8Array
}

/** Requests to the twin of one identity. */
export class MqttTwin {
  readonly #host: SessionHost
  readonly #responses = new Pending<TwinResponse>()
  readonly #subscription: OnDemand<void>

  constructor(host: SessionHost) {
    const { clock, random, tuning } = host.context
    this.#host = host
    this.#subscription = new OnDemand(() => host.connection.subscribe(TWIN_RESPONSE_FILTER), {
      clock,
      random,
      backoff: tuning.identityRetry,
    })
    void host.connection.lost.then(failure => this.#responses.end(offline(failure.message, failure)))
  }

  /** @throws as `CloudSession` */
  async get(signal?: AbortSignal): Promise<Twin> {
    return parseTwin((await this.#request({ kind: 'twin-get', requestId: randomUUID() }, NOTHING, signal)).body)
  }

  /** @returns the new version of the reported properties @throws as `CloudSession` */
  async report(patch: JsonObject, signal?: AbortSignal): Promise<number> {
    const { version } = await this.#request({ kind: 'report', requestId: randomUUID() }, jsonBytes(patch), signal)
    // A gateway in the hub's place answers without a version.
    return version ?? (await this.get(signal)).reported.version
  }

  /** An answer came. */
  answered(topic: TwinResponseTopic, body: Uint8Array): void {
    this.#responses.answer(topic.requestId, { ...topic, body })
  }

  async #request(
    topic: ClientTopic & { readonly requestId: string },
    body: Uint8Array,
    signal?: AbortSignal,
  ): Promise<TwinResponse> {
    const { clock, tuning } = this.#host.context
    const expired = () => offline('no answer to a twin request')
    const deadline = { clock, delay: tuning.operationTimeout, expired, signals: [signal] }
    const response = await withDeadline(deadline, async inner => {
      await this.#subscription.get()
      const waiting = this.#responses.wait(topic.requestId, inner)
      const bytes = this.#host.connection.publish(formatClientTopic(topic), body)
      this.#host.traffic.count('twin', 'out', bytes)
      return waiting
    })
    if (response.status >= 200 && response.status < 300) return response
    throw requestFailure(this.#host.identity, response.status, response.body)
  }
}

const NOTHING = Buffer.alloc(0)
