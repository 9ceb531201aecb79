import { EdgewrightError, type Store, type StorePut } from '@edgewright/core'
import { matchesTopic, parseFilter } from './topic-filter.js'
import { decodeTopicMessage, encodeTopicMessage, type TopicMessage } from './topic-message.js'

const TABLE = 'topics/retained'

/** How much may be retained. */
export interface RetainedLimits {
  readonly maxRetained: number
  readonly maxRetainedBytes: number
}

/** The last retained message of each topic: in the store, and in memory to be found by filter. */
export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #messages = new Map<string, TopicMessage>()
  #bytes = 0

  constructor(limits: RetainedLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#messages.size
  }

  /** Reads what is stored. */
  async load(store: Store): Promise<void> {
    this.#messages.clear()
    this.#bytes = 0
    for await (const [, stored] of store.entries(TABLE)) {
      const message = decodeTopicMessage(stored)
      if (message !== undefined) this.#keep(message)
    }
  }

  /**
   * Retains a message, or with an empty one forgets what its topic retained [MQTT-3.3.1-10].
   *
   * @returns the row that the store must get
   * @throws `TOPIC_RETAINED_FULL`
   */
  put(message: TopicMessage): StorePut {
    const { topic } = message
    const isRemoval = message.payload.byteLength === 0
    if (!isRemoval) this.#assertRoom(message)
    this.#forget(topic)
    if (isRemoval) return { table: TABLE, key: topic }
    const value = encodeTopicMessage(message)
    // Decoded again, so that it does not hold on to all bytes that came with it.
    this.#keep(decodeTopicMessage(value)!)
    return { table: TABLE, key: topic, value }
  }

  /** What is retained on topics that the filters match; once for each filter, as each asks for it. */
  *matching(filters: readonly string[]): IterableIterator<TopicMessage> {
    for (const filter of filters) {
      const levels = parseFilter(filter)
      if (levels === undefined) continue
      for (const message of this.#messages.values()) if (matchesTopic(levels, message.topic)) yield message
    }
  }

  #assertRoom(message: TopicMessage): void {
    const { maxRetained, maxRetainedBytes } = this.#limits
    const old = this.#messages.get(message.topic)
    const count = this.#messages.size + (old === undefined ? 1 : 0)
    const bytes = this.#bytes + weight(message) - (old === undefined ? 0 : weight(old))
    if (count <= maxRetained && bytes <= maxRetainedBytes) return
    throw new EdgewrightError('TOPIC_RETAINED_FULL', 'As much is retained on free topics as may be', {
      place: message.topic,
      remedy: 'Publish empty retained messages on topics no longer used, or raise maxRetained or maxRetainedBytes.',
    })
  }

  #keep(message: TopicMessage): void {
    this.#messages.set(message.topic, message)
    this.#bytes += weight(message)
  }

  #forget(topic: string): void {
    const old = this.#messages.get(topic)
    if (old === undefined) return
    this.#messages.delete(topic)
    this.#bytes -= weight(old)
  }
}

function weight({ topic, payload }: TopicMessage): number {
  return topic.length + payload.byteLength
}
