import { Fifo } from '../fifo.js'
import type { PacketWriter } from './packet-writer.js'

/** What came in one chunk and is to be acknowledged together. */
export class AcknowledgementGroup {
  /** Packet identifiers in order of arrival. */
  readonly messageIds: number[] = []
  /** For each of them, how many messages of the batch must have been taken first. */
  readonly after: number[] = []
  /** How many messages were taken, from the first; undefined while that is not known. */
  taken: number | undefined
}

/**
 * Keeps PUBACKs in the order in which the PUBLISHes came, whatever the order in which they become durable
 * [MQTT-4.6.0-2].
 */
export class Acknowledgements {
  readonly #groups = new Fifo<AcknowledgementGroup>()

  /** Takes the next place in the order. */
  reserve(group: AcknowledgementGroup): void {
    this.#groups.push(group)
  }

  /** Writes every PUBACK whose turn has come. */
  writeReady(writer: PacketWriter): void {
    while (this.#groups.first?.taken !== undefined) {
      const { messageIds, after, taken } = this.#groups.shift()!
      for (let index = 0; index < messageIds.length && after[index]! <= taken!; index += 1) {
        writer.puback(messageIds[index]!)
      }
    }
  }
}
