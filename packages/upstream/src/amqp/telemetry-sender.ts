import { ACCEPTED, type DeliveryOutcome, type Message, reject, retry } from '@edgewright/core'
import { conditionMeaning, encodeAmqpMessage, telemetryToAmqp } from '@edgewright/protocol'
import type { Delivery, EventContext, Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'
import { CreditedSender } from './credited-sender.js'
import { AmqpRefusal } from './opened.js'
import { TelemetryBatch } from './telemetry-batch.js'

/** What a {@link TelemetrySender} keeps to, and whom it tells. */
export interface TelemetrySenderOptions {
  /** Messages without an outcome at once. */
  readonly window: number
  /** The peer no longer takes the identity's word. */
  readonly onUnauthorized: (refusal: AmqpRefusal) => void
}

interface InFlight {
  readonly batch: TelemetryBatch
  readonly index: number
}

/** Sends telemetry of one identity over one link: in order, many at once, an outcome for each. */
export class TelemetrySender {
  readonly #options: TelemetrySenderOptions
  readonly #maxMessageSize: number
  readonly #sender: CreditedSender
  readonly #batches: TelemetryBatch[] = []
  readonly #inFlight = new Map<Delivery, InFlight>()
  #prepared: (InFlight & { readonly payload: Buffer }) | undefined
  #ended: string | undefined

  /** @param link - attached */
  constructor(connection: AmqpConnection, link: Sender, options: TelemetrySenderOptions) {
    this.#options = options
    this.#maxMessageSize = Number(link.max_message_size) || Number.POSITIVE_INFINITY
    const settle = (outcome: (delivery: Delivery) => DeliveryOutcome) => (context: EventContext) =>
      this.#settle(context.delivery!, outcome(context.delivery!))
    link
      .on(
        'accepted',
        settle(() => ACCEPTED),
      )
      .on(
        'released',
        settle(() => retry('released')),
      )
      .on(
        'modified',
        settle(() => retry('modified')),
      )
      .on(
        'rejected',
        settle(delivery => this.#rejection(delivery)),
      )
      .on(
        'settled',
        settle(() => retry('settled without an outcome')),
      )
    this.#sender = new CreditedSender(link, connection, {
      ready: () => this.#inFlight.size < options.window && this.#prepare(),
      take: () => this.#prepared!.payload,
      handed: delivery => {
        this.#inFlight.set(delivery, this.#prepared!)
        this.#prepared = undefined
      },
    })
  }

  /** Sends a batch. Once the signal is aborted or the link gone, what has no outcome yet is to be given again. */
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
    this.#sender.pump()
    return outcomes.finally(() => signal?.removeEventListener('abort', onAbort))
  }

  /** The link is gone: everything without an outcome is to be given again. */
  end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    for (const { batch } of this.#inFlight.values()) batch.abandon(reason)
    this.#prepared?.batch.abandon(reason)
    for (const batch of this.#batches) batch.abandon(reason)
    this.#inFlight.clear()
    this.#batches.length = 0
  }

  /** Encodes the next message that the link can carry, if there is one. */
  #prepare(): boolean {
    if (this.#prepared?.batch.stopped) {
      this.#prepared.batch.putBack(this.#prepared.index)
      this.#prepared = undefined
    }
    while (this.#prepared === undefined) {
      const batch = this.#batches[0]
      if (batch === undefined) return false
      if (batch.exhausted) {
        this.#batches.shift()
        continue
      }
      const { message, index } = batch.take()
      const payload = encodeAmqpMessage(telemetryToAmqp(message))
      if (payload.byteLength <= this.#maxMessageSize) this.#prepared = { batch, index, payload }
      else batch.settle(index, reject(`${payload.byteLength} bytes are more than the cloud takes`))
    }
    return true
  }

  #settle(delivery: Delivery, outcome: DeliveryOutcome): void {
    const sent = this.#inFlight.get(delivery)
    if (sent === undefined) return
    this.#inFlight.delete(delivery)
    sent.batch.settle(sent.index, outcome)
    this.#sender.pump()
  }

  #rejection(delivery: Delivery): DeliveryOutcome {
    const { error } = (delivery.remote_state ?? {}) as { readonly error?: unknown }
    const refusal = AmqpRefusal.from(error)
    const meaning = conditionMeaning(refusal.condition)
    if (meaning === 'unauthorized') this.#options.onUnauthorized(refusal)
    return meaning === 'permanent' ? reject(refusal.message) : retry(refusal.message)
  }
}
