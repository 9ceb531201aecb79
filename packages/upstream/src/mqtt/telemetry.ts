import {
  ACCEPTED,
  type DeliveryOutcome,
  type Identity,
  MAX_MESSAGE_BYTES,
  type Message,
  reject,
  retry,
} from '@edgewright/core'
import { formatClientTopic } from '@edgewright/protocol'
import { TelemetryBatch } from '../telemetry-batch.js'
import type { Pace } from '../pace.js'
import type { MqttConnection } from './connection.js'

/** What {@link MqttTelemetry} keeps to, and whom it tells. */
export interface MqttTelemetryOptions {
  readonly identity: Identity
  /** Messages without an acknowledgement at once. */
  readonly pace: Pace
  readonly onSent: (bytes: number) => void
}

/** The longest topic, in bytes. Source: MQTT 3.1.1, section 1.5.3. */
const MAX_TOPIC_BYTES = 65_535

interface InFlight {
  readonly batch: TelemetryBatch
  readonly index: number
}

/** Sends telemetry of one identity over its connection: in order, many at once, an outcome for each. */
export class MqttTelemetry {
  readonly #connection: MqttConnection
  readonly #options: MqttTelemetryOptions
  readonly #batches: TelemetryBatch[] = []
  readonly #inFlight = new Set<InFlight>()
  #ended: string | undefined

  constructor(connection: MqttConnection, options: MqttTelemetryOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** Sends a batch. Once the signal is aborted or the connection gone, what has no outcome yet is to be given again. */
  async send(messages: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    if (messages.length === 0) return []
    if (this.#ended !== undefined) return messages.map(() => retry(this.#ended!))
    let onAbort: () => void = () => undefined
    const outcomes = new Promise<readonly DeliveryOutcome[]>(resolve => {
      const batch = new TelemetryBatch(messages, resolve)
      onAbort = () => batch.abandon('aborted')
      this.#batches.push(batch)
    })
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#pump()
    return outcomes.finally(() => signal?.removeEventListener('abort', onAbort))
  }

  /** The connection is gone: everything without an outcome is to be given again. */
  end(reason: string): void {
    this.#ended ??= reason
    if (this.#inFlight.size > 0) this.#options.pace.failed()
    for (const { batch } of this.#inFlight) batch.abandon(reason)
    for (const batch of this.#batches) batch.abandon(reason)
    this.#inFlight.clear()
    this.#batches.length = 0
  }

  #pump(): void {
    while (this.#inFlight.size < this.#options.pace.limit) {
      const batch = this.#batches[0]
      const message = batch?.next
      if (batch === undefined) return
      if (message === undefined) this.#batches.shift()
      else if (this.#connection.congested) {
        this.#connection.whenDrained(() => this.#pump())
        return
      } else this.#publish(message, { batch, index: batch.take() })
    }
  }

  #publish(message: Message, sent: InFlight): void {
    const { properties, system, body } = message
    const topic = formatClientTopic({ kind: 'telemetry', identity: this.#options.identity, properties, system })
    const topicBytes = Buffer.byteLength(topic, 'utf8')
    const size = topicBytes + body.byteLength
    if (topicBytes > MAX_TOPIC_BYTES || size > MAX_MESSAGE_BYTES) {
      sent.batch.settle(sent.index, reject(`${size} bytes are more than the cloud takes`))
      return
    }
    this.#inFlight.add(sent)
    const bytes = this.#connection.publish(topic, body, () => {
      if (!this.#inFlight.delete(sent)) return
      this.#options.pace.succeeded(1)
      sent.batch.settle(sent.index, ACCEPTED)
      this.#pump()
    })
    this.#options.onSent(bytes)
  }
}
