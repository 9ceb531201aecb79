import { ACCEPTED, type DeliveryOutcome, type Message, reject, retry } from '@edgewright/core'
import { conditionMeaning } from '@edgewright/protocol'
import type { Delivery, EventContext, Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'
import { CreditedSender } from './credited-sender.js'
import { AmqpRefusal } from './opened.js'
import { TelemetryBatch } from '../telemetry-batch.js'
import type { Pace } from '../pace.js'
import { TelemetryTransfer } from './telemetry-transfer.js'

/** What a {@link TelemetrySender} keeps to, and whom it tells. */
export interface TelemetrySenderOptions {
  /** Messages without an outcome at once. */
  readonly window: number
  /** Messages that leave under one delivery. */
  readonly pace: Pace
  readonly onSent: (bytes: number, messages: number) => void
  /** The peer no longer takes the identity's word. */
  readonly onUnauthorized: (refusal: AmqpRefusal) => void
}

/** Sends telemetry of one identity over one link: in order, many at once, an outcome for each. */
export class TelemetrySender {
  readonly #options: TelemetrySenderOptions
  readonly #maxMessageBytes: number
  readonly #sender: CreditedSender
  readonly #batches: TelemetryBatch[] = []
  readonly #inFlight = new Map<Delivery, TelemetryTransfer>()
  #inFlightMessages = 0
  /** Filled, and not yet sent: at most one, but for those that go again one by one. */
  readonly #filled: TelemetryTransfer[] = []
  #ended: string | undefined

  /** @param link - attached */
  constructor(connection: AmqpConnection, link: Sender, options: TelemetrySenderOptions) {
    this.#options = options
    this.#maxMessageBytes = Number(link.max_message_size) || Number.POSITIVE_INFINITY
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
      ready: () => this.#inFlightMessages < options.window && this.#fill(),
      take: () => this.#filled[0]!,
      handed: delivery => this.#handed(delivery),
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
    for (const transfer of this.#inFlight.values()) transfer.abandon(reason)
    for (const transfer of this.#filled) transfer.abandon(reason)
    for (const batch of this.#batches) batch.abandon(reason)
    this.#inFlight.clear()
    this.#batches.length = 0
  }

  /** Fills the next transfer, unless one waits already; returns whether there is one. */
  #fill(): boolean {
    while (this.#filled[0]?.stopped) this.#filled.shift()!.putBack()
    if (this.#filled.length > 0) return true
    const { pace } = this.#options
    const next = TelemetryTransfer.fill(this.#batches, { messages: pace.limit, messageBytes: this.#maxMessageBytes })
    if (next !== undefined) this.#filled.push(next)
    return next !== undefined
  }

  #handed(delivery: Delivery): void {
    const transfer = this.#filled.shift()!
    this.#inFlight.set(delivery, transfer)
    this.#inFlightMessages += transfer.size
    this.#options.onSent(transfer.payload.byteLength, transfer.size)
  }

  #settle(delivery: Delivery, outcome: DeliveryOutcome): void {
    const transfer = this.#inFlight.get(delivery)
    if (transfer === undefined) return
    this.#inFlight.delete(delivery)
    this.#inFlightMessages -= transfer.size
    if (outcome.kind === 'accepted') this.#options.pace.succeeded(transfer.size)
    else this.#options.pace.failed()
    if (outcome.kind === 'reject' && transfer.size > 1) this.#filled.unshift(...transfer.split())
    else transfer.settle(outcome)
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
