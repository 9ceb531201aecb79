import type { AmqpConnection } from '../../amqp/connection.js'
import type { OutgoingAttach } from '../../amqp/links.js'
import type { Sender } from '../../amqp/rhea.js'
import { HubError } from '../../state/hub-error.js'

interface Reader {
  readonly connection: AmqpConnection
  readonly link: Sender
  /** Undefined: shares the partition. */
  readonly epoch: number | undefined
}

const STOLEN = { condition: 'amqp:link:stolen', description: 'A reader with a higher epoch took the partition' }

/**
 * Who reads which partition for which consumer group. A reader with an epoch has the partition to itself: it evicts
 * readers with a lower one and those without. Source: Event Hubs, "epoch receivers".
 */
export class Readers {
  readonly #readers = new Map<string, Set<Reader>>()

  /**
   * Lets a reader in, evicting whom it may evict.
   *
   * @returns to be called when it has gone
   * @throws `HUB_READER_EVICTED` when another one has the partition
   */
  join(consumerGroup: string, partition: number, { connection, sender, properties }: OutgoingAttach): () => void {
    const key = `${consumerGroup.toLowerCase()}/${partition}`
    const readers = this.#readers.get(key) ?? new Set()
    const epoch = epochOf(properties['com.microsoft:epoch'])
    for (const { epoch: other } of readers) {
      if (other !== undefined && (epoch === undefined || epoch < other)) {
        throw new HubError('ReceiverDisconnected', `A reader with epoch ${other} has the partition`)
      }
    }
    const evicted = epoch === undefined ? [] : [...readers]
    const reader = { connection, link: sender, epoch }
    this.#readers.set(key, readers.add(reader))
    for (const other of evicted) other.connection.closeLink(other.link, STOLEN)
    return () => {
      readers.delete(reader)
      if (readers.size === 0) this.#readers.delete(key)
    }
  }
}

/** The library gives longs as numbers, or as bytes beyond what a number can hold. */
function epochOf(value: unknown): number | undefined {
  if (Buffer.isBuffer(value)) return Number(value.readBigInt64BE())
  return typeof value === 'number' ? value : undefined
}
