import type { Store } from '@edgewright/core'
import { decodeTopicMessage, encodeTopicMessage, type TopicMessage } from './topic-message.js'

const TABLE = 'topics/wills'

/** The wills of connected clients; stored, so that those of clients cut off by the gateway's own end are not lost. */
export class Wills {
  readonly #store: Store
  readonly #wills = new Map<string, TopicMessage>()

  constructor(store: Store) {
    this.#store = store
  }

  get(sessionId: string): TopicMessage | undefined {
    return this.#wills.get(sessionId)
  }

  async put(sessionId: string, will: TopicMessage): Promise<void> {
    this.#wills.set(sessionId, will)
    await this.#store.write({ put: [{ table: TABLE, key: sessionId, value: encodeTopicMessage(will) }] })
  }

  async delete(sessionId: string): Promise<void> {
    if (!this.#wills.delete(sessionId)) return
    await this.#store.write({ put: [{ table: TABLE, key: sessionId }] })
  }

  /** Hands over each will that is stored from before, and forgets it. */
  async execute(publish: (will: TopicMessage, sessionId: string) => Promise<void>): Promise<void> {
    for await (const [key, value] of this.#store.entries(TABLE)) {
      const will = decodeTopicMessage(value)
      if (will !== undefined) await publish(will, key)
      await this.#store.write({ put: [{ table: TABLE, key }] })
    }
  }
}
