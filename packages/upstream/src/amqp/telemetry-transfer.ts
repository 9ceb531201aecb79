import { type DeliveryOutcome, MAX_MESSAGE_BYTES, reject } from '@edgewright/core'
import { AMQP_BATCH_FORMAT, encodeAmqpBatch, encodeAmqpMessage, telemetryToAmqp } from '@edgewright/protocol'
import type { Transfer } from './credited-sender.js'
import type { TelemetryBatch } from '../telemetry-batch.js'

/** What may go into one transfer. */
export interface TransferLimits {
  /** Bytes of one encoded message. */
  readonly messageBytes: number
  /** Messages. */
  readonly messages: number
}

/** The most that several messages in one transfer may weigh, in bytes: the hub takes them for one message. */
const MAX_TRANSFER_BYTES = MAX_MESSAGE_BYTES
/** What each message of several costs on top. */
const ITEM_BYTES = 8

interface Item {
  readonly batch: TelemetryBatch
  readonly index: number
  readonly payload: Buffer
}

/** Messages that leave under one delivery and get one outcome. */
export class TelemetryTransfer implements Transfer {
  readonly payload: Buffer
  readonly format: number
  readonly #items: readonly Item[]

  private constructor(items: readonly Item[]) {
    const [first] = items
    this.#items = items
    this.payload = items.length === 1 ? first!.payload : encodeAmqpBatch(items.map(({ payload }) => payload))
    this.format = items.length === 1 ? 0 : AMQP_BATCH_FORMAT
  }

  /** Takes from the batches, in order, as much as may leave together; undefined when nothing is left. Drops batches that are done. */
  static fill(batches: TelemetryBatch[], limits: TransferLimits): TelemetryTransfer | undefined {
    const items: Item[] = []
    let bytes = 0
    for (let batch = batches[0]; batch !== undefined && items.length < limits.messages; batch = batches[0]) {
      const message = batch.next
      if (message === undefined) {
        batches.shift()
        continue
      }
      const payload = encodeAmqpMessage(telemetryToAmqp(message))
      const size = payload.byteLength
      if (size > limits.messageBytes) {
        batch.settle(batch.take(), reject(`${size} bytes are more than the cloud takes`))
        continue
      }
      if (items.length > 0 && bytes + size + ITEM_BYTES > Math.min(limits.messageBytes, MAX_TRANSFER_BYTES)) break
      items.push({ batch, index: batch.take(), payload })
      bytes += size + ITEM_BYTES
    }
    return items.length === 0 ? undefined : new TelemetryTransfer(items)
  }

  /** How many messages it carries. */
  get size(): number {
    return this.#items.length
  }

  /** Whether none of it is to leave any more. */
  get stopped(): boolean {
    return this.#items.every(({ batch }) => batch.stopped)
  }

  /** The same messages, each by itself: which of them was at fault shows then. */
  split(): readonly TelemetryTransfer[] {
    return this.#items.map(item => new TelemetryTransfer([item]))
  }

  settle(outcome: DeliveryOutcome): void {
    for (const { batch, index } of this.#items) batch.settle(index, outcome)
  }

  /** It was filled and did not leave. */
  putBack(): void {
    for (const { batch, index } of this.#items) batch.putBack(index)
  }

  /** The link is gone. */
  abandon(reason: string): void {
    for (const { batch } of this.#items) batch.abandon(reason)
  }
}
