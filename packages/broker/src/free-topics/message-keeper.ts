import type { Store, StorePut } from '@edgewright/core'
import type { TopicMetrics } from './metrics.js'
import type { RetainedMessages } from './retained-messages.js'
import { encodeTopicMessage, type TopicMessage } from './topic-message.js'
import type { QueueLimits, TopicSession } from './topic-session.js'
import type { TopicSessions } from './topic-sessions.js'

/** What a {@link MessageKeeper} works with. */
export interface KeeperParts {
  readonly store: Store
  readonly sessions: TopicSessions
  readonly retained: RetainedMessages
  readonly limits: QueueLimits
  readonly metrics: TopicMetrics
}

/** Makes durable what must be, before a message is acknowledged. */
export class MessageKeeper {
  readonly #parts: KeeperParts

  constructor(parts: KeeperParts) {
    this.#parts = parts
  }

  /**
   * Puts a message into the queue of every persistent session that wants it, retains it if it is to be, and writes these
   * rows besides: all or nothing.
   *
   * @returns undefined when there is nothing to write
   * @throws `TOPIC_RETAINED_FULL`, and what the store rejects with
   */
  keep(message: TopicMessage, rows: readonly StorePut[] = []): Promise<void> | undefined {
    const wanting = message.qos === 0 ? [] : this.#wanting(message.topic)
    const put = message.retain ? [...rows, this.#parts.retained.put(message)] : rows
    if (wanting.length === 0 && put.length === 0) return undefined
    return this.#write(message, wanting, put)
  }

  async #write(message: TopicMessage, wanting: readonly TopicSession[], put: readonly StorePut[]): Promise<void> {
    const { store, retained, limits, metrics } = this.#parts
    const payload = encodeTopicMessage(message)
    const sessions = wanting.filter(session => session.hasRoom(payload.byteLength, limits))
    if (sessions.length < wanting.length) metrics.dropped.add(wanting.length - sessions.length)
    const arrivals = sessions.map(session => session.arriving(payload.byteLength))
    const append = sessions.length === 0 ? [] : [{ payload, queues: sessions.map(({ queue }) => ({ queue })) }]
    let isKept = false
    try {
      await store.write({ append, put })
      isKept = true
      if (message.retain) metrics.retained.set(retained.size)
    } finally {
      for (const settle of arrivals) settle(isKept)
    }
  }

  #wanting(topic: string): readonly TopicSession[] {
    return [...this.#parts.sessions.matching(topic)].filter(session => (session.grantedFor(topic) ?? 0) > 0)
  }
}
