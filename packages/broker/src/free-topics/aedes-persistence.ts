import { Readable } from 'node:stream'
import type { StorePut } from '@edgewright/core'
import type { Client, Subscription } from 'aedes'
import type { IPublishPacket } from 'mqtt-packet'
import type { RetainedMessages } from './retained-messages.js'
import type { TopicMessage } from './topic-message.js'
import { RECEIVED_TABLE, type TopicSession } from './topic-session.js'
import type { TopicSessions } from './topic-sessions.js'
import type { TopicStream } from './topic-stream.js'
import type { Wills } from './wills.js'

/** What aedes keeps its sessions by. */
export interface PersistenceParts {
  readonly sessions: TopicSessions
  readonly retained: RetainedMessages
  readonly wills: Wills
  readonly maxReceived: number
  /** Makes a QoS 2 message durable, together with the row that says that it was received. */
  receive(client: Client, message: TopicMessage, row: StorePut | undefined): Promise<void>
}

type PacketOf = { readonly messageId?: number | undefined; readonly cmd?: string }

/**
 * The port by which aedes keeps sessions, on the gateway's store.
 *
 * Aedes asks too late for what must be durable before an acknowledgement, and hands over what waits for a session without
 * a window. So what it asks for in those places is done already, or done elsewhere: messages are kept before aedes is told
 * of them, and a {@link TopicSession} sends what waits.
 */
export class AedesPersistence {
  readonly #parts: PersistenceParts

  constructor(parts: PersistenceParts) {
    this.#parts = parts
  }

  // Aedes asks for its constructor's name, so it must be an async function.
  async setup(): Promise<void> {}

  async storeRetained(): Promise<void> {}

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(packetsOf(this.#parts.retained.matching(filters)))
  }

  /** Comes with all filters of a SUBSCRIBE once for each that was granted, and also with those that were not. */
  async addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<void> {
    const { session, granted } = streamOf(client)
    if (session === undefined) return
    const added = subscriptions.filter(({ topic }) => granted.has(topic))
    await this.#parts.sessions.subscribe(session, added)
  }

  async removeSubscriptions(client: Client, filters: readonly string[]): Promise<void> {
    const { session } = streamOf(client)
    if (session !== undefined) await this.#parts.sessions.unsubscribe(session, filters)
  }

  /** A client wants its session back. */
  async subscriptionsByClient({ id }: { readonly id: string }) {
    const session = await this.#parts.sessions.open(id)
    return session.filters.map(([topic, qos]) => ({ topic, qos }))
  }

  /** Nobody is enqueued for by aedes. */
  async subscriptionsByTopic(): Promise<readonly never[]> {
    return []
  }

  /** A client wants no session. */
  async cleanSubscriptions({ id }: Client): Promise<void> {
    await this.#parts.sessions.discard(id)
  }

  async outgoingEnqueue(): Promise<void> {}

  async outgoingEnqueueCombi(): Promise<void> {}

  /** PUBREC has come, as far as it concerns us: aedes sends PUBREL after this. */
  async outgoingUpdate(client: Client, packet: PacketOf): Promise<void> {
    const { session } = streamOf(client)
    if (packet.cmd === 'pubrel' && packet.messageId !== undefined) await session?.release(packet.messageId)
  }

  /** PUBACK or PUBCOMP has come. */
  async outgoingClearMessageId(client: Client, { messageId }: PacketOf): Promise<void> {
    if (messageId !== undefined) streamOf(client).session?.acknowledge(messageId)
  }

  /** The client is welcome: its session begins to send. */
  outgoingStream(client: Client): Readable {
    streamOf(client).begin(client.clean ? undefined : this.#parts.sessions.get(client.id))
    return Readable.from([])
  }

  async incomingStorePacket(client: Client, packet: IPublishPacket): Promise<void> {
    const id = packet.messageId!
    const { session, received } = receivedFrom(client)
    if (received.size >= this.#parts.maxReceived) throw new Error('too many QoS 2 messages wait to be released')
    received.add(id)
    const row = session && { table: RECEIVED_TABLE, key: session.key(id), value: RECEIVED }
    try {
      await this.#parts.receive(client, messageOf(packet), row)
    } catch (error) {
      received.delete(id)
      throw error
    }
  }

  async incomingGetPacket(client: Client, packet: PacketOf): Promise<PacketOf> {
    if (!receivedFrom(client).received.has(packet.messageId!)) throw NOT_RECEIVED
    return packet
  }

  async incomingDelPacket(client: Client, { messageId }: PacketOf): Promise<void> {
    const { session, received } = receivedFrom(client)
    if (!received.delete(messageId!)) throw NOT_RECEIVED
    await session?.forgetReceived(messageId!)
  }

  async cleanIncoming(client: Client): Promise<void> {
    streamOf(client).received.clear()
  }

  async putWill({ id }: Client, will: IPublishPacket): Promise<void> {
    await this.#parts.wills.put(id, messageOf(will))
  }

  async getWill({ id }: Client): Promise<TopicMessage | undefined> {
    return this.#parts.wills.get(id)
  }

  async delWill({ id }: { readonly id: string }): Promise<void> {
    await this.#parts.wills.delete(id)
  }

  /** Wills of an earlier run went out when this one began. */
  streamWill(): Readable {
    return Readable.from([])
  }

  async destroy(): Promise<void> {}
}

/** The connection of a client of aedes. */
export function streamOf(client: Client): TopicStream {
  return client.conn as TopicStream
}

/** What aedes publishes, as far as it is the client's. */
export function messageOf({ topic, payload, qos, retain }: IPublishPacket): TopicMessage {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : (payload ?? NOTHING)
  return { topic, payload: bytes, qos, retain: retain === true }
}

/** The QoS 2 messages of a client: of its session, or of its connection alone. */
function receivedFrom(client: Client): { readonly session: TopicSession | undefined; readonly received: Set<number> } {
  const stream = streamOf(client)
  return { session: stream.session, received: stream.session?.received ?? stream.received }
}

function* packetsOf(messages: Iterable<TopicMessage>) {
  for (const { topic, payload, qos } of messages) yield { cmd: 'publish', topic, payload, qos, retain: true }
}

const NOTHING = Buffer.alloc(0)
const RECEIVED = Buffer.from([1])
const NOT_RECEIVED = new Error('no such packet')
