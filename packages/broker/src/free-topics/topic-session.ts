import type { Position, QueueEntry, Store, StoreChange, StorePut, StoreRemoval } from '@edgewright/core'
import { OutgoingIds } from './outgoing-ids.js'
import { type FilterLevels, matchesTopic, parseFilter } from './topic-filter.js'
import { decodeTopicMessage, type TopicMessage } from './topic-message.js'

/** A message on its way to the client of a session. */
export interface SessionDelivery extends TopicMessage {
  /** 0 with QoS 0. */
  readonly messageId: number
  readonly redelivered: boolean
}

/** The connection of a session's client. */
export interface SessionSink {
  /** Whether more should wait until the client has taken what it was given. */
  readonly isCongested: boolean
  /** Whether the client may have what is published on this topic. */
  mayReceive(topic: string): boolean
  deliver(delivery: SessionDelivery): void
  /** Sends PUBREL again. */
  release(messageId: number): void
  /** What waits cannot be had. */
  fail(error: unknown): void
}

/** What a session has besides what is in its queue. */
export interface StoredSession {
  /** Filters with the QoS granted. */
  readonly filters: readonly (readonly [filter: string, qos: 0 | 1 | 2])[]
  /** Milliseconds since 1970 when its client was last there. */
  readonly lastSeen: number
}

/** Reads what {@link TopicSession.row} holds; a session that cannot be read has no filters left. */
export function readStoredSession(value: Uint8Array, now: number): StoredSession {
  try {
    const { filters, lastSeen } = JSON.parse(Buffer.from(value).toString('utf8'))
    return { filters, lastSeen }
  } catch {
    return { filters: [], lastSeen: now }
  }
}

/** How much may wait for one session. */
export interface QueueLimits {
  readonly maxQueuedMessages: number
  readonly maxQueuedBytes: number
}

interface Filter {
  readonly levels: FilterLevels
  readonly qos: 0 | 1 | 2
}

/** What a session works with. */
export interface SessionShare {
  readonly store: Store
  /** Messages that may wait for the client's answer. */
  readonly outboundWindow: number
  /** What could not be written although nobody waits for it. */
  readonly onFailure: (error: unknown) => void
}

export const SESSION_TABLE = 'topics/sessions'
/** QoS 2 messages from the client that it has not released, by session and packet identifier. */
export const RECEIVED_TABLE = 'topics/received'
/** QoS 2 messages to the client and how far they are, by session and packet identifier. */
export const SENT_TABLE = 'topics/sent'

/**
 * A persistent session: what its client subscribed to, and what waits for it. All that comes with QoS 1 or 2 goes by way
 * of its queue in the store, and from there to the client as long as there is one, in order and no more at once than the
 * window.
 */
export class TopicSession {
  readonly id: string
  /** The queue in the store. */
  readonly queue: string
  /** Packet identifiers of QoS 2 messages that the client has not released. */
  readonly received = new Set<number>()
  lastSeen: number
  /** Set when the session is forgotten: nothing of it is written any more. */
  isForgotten = false
  readonly #share: SessionShare
  readonly #filters = new Map<string, Filter>()
  readonly #ids = new OutgoingIds()
  #sink: SessionSink | undefined
  /** Where to read on, and what was read and not sent. */
  #cursor: Position = 0
  #ahead: QueueEntry[] = []
  #isPumping = false
  #isAsked = false
  #unwritten: { readonly remove: StoreRemoval[]; readonly put: StorePut[] } | undefined
  /** What is in the queue, or on its way into it. */
  #waiting = { messages: 0, bytes: 0 }

  constructor(id: string, { filters, lastSeen }: StoredSession, share: SessionShare) {
    this.id = id
    this.queue = `topics/${id}`
    this.lastSeen = lastSeen
    this.#share = share
    for (const [filter, qos] of filters) this.setFilter(filter, qos)
  }

  get isConnected(): boolean {
    return this.#sink !== undefined
  }

  get filters(): StoredSession['filters'] {
    return Array.from(this.#filters, ([filter, { qos }]) => [filter, qos] as const)
  }

  setFilter(filter: string, qos: 0 | 1 | 2): void {
    this.#filters.set(filter, { levels: parseFilter(filter) ?? [], qos })
  }

  deleteFilter(filter: string): void {
    this.#filters.delete(filter)
  }

  /** The highest QoS that any filter grants for a topic; undefined when none matches. */
  grantedFor(topic: string): 0 | 1 | 2 | undefined {
    let granted: 0 | 1 | 2 | undefined
    for (const { levels, qos } of this.#filters.values()) {
      if (qos > (granted ?? -1) && matchesTopic(levels, topic)) granted = qos
    }
    return granted
  }

  /** Whether so many bytes more may wait. */
  hasRoom(bytes: number, { maxQueuedMessages, maxQueuedBytes }: QueueLimits): boolean {
    return this.#waiting.messages < maxQueuedMessages && this.#waiting.bytes + bytes <= maxQueuedBytes
  }

  /** A message of so many bytes is being appended to the queue; the answer is to be called when that is over. */
  arriving(bytes: number): (isKept: boolean) => void {
    this.#count(1, bytes)
    return isKept => {
      if (isKept) this.wake()
      else this.#count(-1, -bytes)
    }
  }

  /** Counts what waits in the store from before. */
  recount(): void {
    const { length, bytes } = this.#share.store.queue(this.queue)
    this.#waiting = { messages: length, bytes }
  }

  /** What was under way when the gateway stopped. */
  restoreSent(messageId: number, position: Position | undefined): void {
    this.#ids.restore(messageId, position)
  }

  /** A packet identifier for what does not come out of the queue. */
  nextId(): number {
    return this.#ids.next()
  }

  /** The row that keeps the session. */
  row(): StorePut {
    const value: StoredSession = { filters: this.filters, lastSeen: this.lastSeen }
    return { table: SESSION_TABLE, key: this.id, value: Buffer.from(JSON.stringify(value)) }
  }

  /** What removes everything of the session from the store. */
  removal(): StoreChange {
    const received = Array.from(this.received, id => ({ table: RECEIVED_TABLE, key: this.key(id) }))
    const sent = this.#ids.all().map(id => ({ table: SENT_TABLE, key: this.key(id) }))
    return {
      remove: [{ queue: this.queue, through: Infinity }],
      put: [{ table: SESSION_TABLE, key: this.id }, ...received, ...sent],
    }
  }

  /** The client is there: it gets again what was under way, and then what waits. */
  attach(sink: SessionSink): void {
    this.#sink = sink
    this.#cursor = 0
    this.#ahead = []
    this.#ids.reconnect()
    for (const messageId of this.#ids.released()) sink.release(messageId)
    this.wake()
  }

  /** The client has left, if it is still the one. */
  detach(sink: SessionSink, now: number): void {
    if (this.#sink !== sink) return
    this.#sink = undefined
    this.lastSeen = now
    this.#ahead = []
    this.#write({ put: [this.row()] })
    this.#flush()
  }

  /** Something may wait, or be taken: looked after once for all that asks in one turn of the event loop. */
  wake(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    if (!this.#isPumping) setImmediate(() => void this.#pump())
  }

  /** PUBACK or PUBCOMP: the message is the client's. */
  acknowledge(messageId: number): void {
    const sent = this.#ids.remove(messageId)
    if (sent === undefined) return
    const { position, qos, bytes } = sent
    this.#write({
      remove: position === undefined ? [] : [this.#taken(position, bytes)],
      put: qos === 2 ? [{ table: SENT_TABLE, key: this.key(messageId) }] : [],
    })
    this.wake()
  }

  /** PUBREC: the client has a QoS 2 message. Resolves when it will never be sent again. */
  async release(messageId: number): Promise<void> {
    const sent = this.#ids.release(messageId)
    if (sent === undefined || this.isForgotten) return
    const row = { table: SENT_TABLE, key: this.key(messageId), value: Buffer.from(RELEASED) }
    await this.#share.store.write({ remove: [this.#taken(sent.position, sent.bytes)], put: [row] })
  }

  /** PUBREL: the client will not send the message again. Resolves when its identifier is free. */
  async forgetReceived(messageId: number): Promise<void> {
    if (this.isForgotten) return
    await this.#share.store.write({ put: [{ table: RECEIVED_TABLE, key: this.key(messageId) }] })
  }

  /** The key of a row about one packet identifier. */
  key(messageId: number): string {
    return `${this.id} ${messageId}`
  }

  async #pump(): Promise<void> {
    this.#isPumping = true
    while (this.#isAsked) {
      this.#isAsked = false
      const sink = this.#sink
      try {
        while (sink !== undefined && sink === this.#sink && (await this.#deliverNext(sink)));
      } catch (error) {
        sink?.fail(error)
      }
      if (this.#isAsked) await new Promise(setImmediate)
    }
    this.#isPumping = false
  }

  /** @returns whether there may be more to deliver now */
  async #deliverNext(sink: SessionSink): Promise<boolean> {
    const room = this.#share.outboundWindow - this.#ids.underWay
    if (room <= 0 || sink.isCongested) return false
    if (this.#ahead.length === 0 && !(await this.#readAhead(sink))) return false
    const entries = this.#ahead.splice(0, room)
    const deliveries = entries.map(entry => this.#prepare(entry, sink))
    // How far a QoS 2 message is must be known after a restart, too: it may not come twice.
    const first = deliveries.filter(delivery => delivery?.qos === 2 && !delivery.redelivered)
    if (first.length > 0) await this.#share.store.write({ put: first.map(delivery => this.#sentRow(delivery!)) })
    if (this.#sink !== sink) return false
    for (const delivery of deliveries) if (delivery !== undefined) sink.deliver(delivery)
    return true
  }

  /** @returns whether there is anything for the same client */
  async #readAhead(sink: SessionSink): Promise<boolean> {
    const entries = await this.#share.store.read(this.queue, { from: this.#cursor, limit: READ_AHEAD })
    if (entries.length === 0 || this.#sink !== sink) return false
    this.#cursor = entries.at(-1)!.position + 1
    this.#ahead = [...entries]
    return true
  }

  /** The delivery of an entry; undefined when it is not for the client, and gone. */
  #prepare(
    { position, payload }: QueueEntry,
    sink: SessionSink,
  ): (SessionDelivery & { position: Position }) | undefined {
    const message = decodeTopicMessage(payload)
    if (message === undefined || !sink.mayReceive(message.topic)) {
      this.#write({ remove: [this.#taken(position, payload.byteLength)] })
      return undefined
    }
    const known = this.#ids.resend(position, payload.byteLength)
    if (known !== undefined) return { ...message, ...known, retain: false, redelivered: true, position }
    const qos = Math.min(message.qos, this.grantedFor(message.topic) ?? message.qos) as 0 | 1 | 2
    if (qos === 0) this.#write({ remove: [this.#taken(position, payload.byteLength)] })
    const messageId = qos === 0 ? 0 : this.#ids.add(position, qos, payload.byteLength)
    return { ...message, qos, messageId, retain: false, redelivered: false, position }
  }

  #sentRow({ messageId, position }: { messageId: number; position: Position }): StorePut {
    return { table: SENT_TABLE, key: this.key(messageId), value: Buffer.from(String(position)) }
  }

  /** The removal of an entry that is done with. */
  #taken(position: Position, bytes: number): StoreRemoval {
    this.#count(-1, -bytes)
    return { queue: this.queue, from: position, through: position }
  }

  #count(messages: number, bytes: number): void {
    this.#waiting.messages += messages
    this.#waiting.bytes += bytes
  }

  /**
   * Writes what need not be waited for, once for all in one turn of the event loop: a crash before it costs a repetition
   * that the protocol allows.
   */
  #write({ remove = [], put = [] }: StoreChange): void {
    if (this.#unwritten === undefined) {
      this.#unwritten = { remove: [], put: [] }
      setImmediate(() => this.#flush())
    }
    for (const removal of remove) appendRemoval(this.#unwritten.remove, removal)
    this.#unwritten.put.push(...put)
  }

  #flush(): void {
    const change = this.#unwritten
    this.#unwritten = undefined
    if (change !== undefined && !this.isForgotten) this.#share.store.write(change).catch(this.#share.onFailure)
  }
}

/** Entries read in one go; no more than 1 MiB of them. */
const READ_AHEAD = 1_000

/** Stands in the place of a position once the client has the message. */
export const RELEASED = 'released'

/** Removals mostly come in the order of the queue, and become one. */
function appendRemoval(removals: StoreRemoval[], removal: StoreRemoval): void {
  const last = removals.at(-1)
  if (last !== undefined && removal.from === last.through + 1) {
    removals[removals.length - 1] = { ...last, through: removal.through }
  } else removals.push(removal)
}
