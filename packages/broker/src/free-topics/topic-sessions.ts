import type { Clock, Store } from '@edgewright/core'
import { FilterIndex } from './filter-index.js'
import {
  readStoredSession,
  RECEIVED_TABLE,
  RELEASED,
  SENT_TABLE,
  SESSION_TABLE,
  type SessionShare,
  TopicSession,
} from './topic-session.js'

/** Every persistent session, its client connected or not. */
export class TopicSessions {
  readonly #store: Store
  readonly #clock: Clock
  readonly #share: SessionShare
  readonly #sessions = new Map<string, TopicSession>()
  readonly #index = new FilterIndex<TopicSession>()

  constructor(clock: Clock, share: SessionShare) {
    this.#store = share.store
    this.#clock = clock
    this.#share = share
  }

  get size(): number {
    return this.#sessions.size
  }

  get(id: string): TopicSession | undefined {
    return this.#sessions.get(id)
  }

  /** Sessions with a filter that matches. */
  matching(topic: string): ReadonlySet<TopicSession> {
    return this.#index.match(topic)
  }

  /** Reads what is stored. */
  async load(): Promise<void> {
    for await (const [id, value] of this.#store.entries(SESSION_TABLE)) {
      const session = new TopicSession(id, readStoredSession(value, this.#clock.now()), this.#share)
      session.recount()
      this.#sessions.set(id, session)
      for (const [filter] of session.filters) this.#index.add(filter, session)
    }
    for await (const [key] of this.#store.entries(RECEIVED_TABLE)) {
      const { session, messageId } = this.#ofKey(key)
      session?.received.add(messageId)
    }
    for await (const [key, value] of this.#store.entries(SENT_TABLE)) {
      const { session, messageId } = this.#ofKey(key)
      const text = Buffer.from(value).toString('latin1')
      session?.restoreSent(messageId, text === RELEASED ? undefined : Number(text))
    }
  }

  /**
   * The session that a client resumes, or a new one. One without filters is a new one, because that is what the client is
   * told.
   */
  async open(id: string): Promise<TopicSession> {
    const old = this.#sessions.get(id)
    if (old !== undefined && old.filters.length > 0) return old
    if (old !== undefined) this.#forget(old)
    const session = new TopicSession(id, { filters: [], lastSeen: this.#clock.now() }, this.#share)
    this.#sessions.set(id, session)
    const { remove = [], put = [] } = old?.removal() ?? {}
    await this.#store.write({ remove, put: [...put, session.row()] })
    return session
  }

  /** Forgets a session with everything that waits. */
  async discard(id: string): Promise<void> {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#forget(session)
    await this.#store.write(session.removal())
  }

  async subscribe(session: TopicSession, filters: readonly { readonly topic: string; readonly qos: 0 | 1 | 2 }[]) {
    for (const { topic, qos } of filters) {
      session.setFilter(topic, qos)
      this.#index.add(topic, session)
    }
    await this.#keep(session)
  }

  async unsubscribe(session: TopicSession, filters: readonly string[]): Promise<void> {
    for (const filter of filters) {
      session.deleteFilter(filter)
      this.#index.remove(filter, session)
    }
    await this.#keep(session)
  }

  /** Forgets sessions whose clients have stayed away since before then. @returns how many */
  async expire(before: number): Promise<number> {
    const isOver = (session: TopicSession) => !session.isConnected && session.lastSeen < before
    const over = [...this.#sessions.values()].filter(isOver)
    await Promise.all(over.map(({ id }) => this.discard(id)))
    return over.length
  }

  /** A session that is not known any more, as after a clean start, is not written again. */
  async #keep(session: TopicSession): Promise<void> {
    if (!session.isForgotten) await this.#store.write({ put: [session.row()] })
  }

  #forget(session: TopicSession): void {
    session.isForgotten = true
    this.#sessions.delete(session.id)
    for (const [filter] of session.filters) this.#index.remove(filter, session)
  }

  #ofKey(key: string) {
    const blank = key.lastIndexOf(' ')
    return { session: this.#sessions.get(key.slice(0, blank)), messageId: Number(key.slice(blank + 1)) }
  }
}
