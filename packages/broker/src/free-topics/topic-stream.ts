import { Duplex } from 'node:stream'
import mqttPacket, { type Packet } from 'mqtt-packet'
import type { TopicAccess } from './access-policy.js'
import { PublishOrder } from './publish-order.js'
import type { SessionDelivery, SessionSink, TopicSession } from './topic-session.js'

/** Who is at the other end of a {@link TopicStream}. */
export interface TopicLoginFacts {
  /** What aedes and the store know the session by: nobody else's, whatever client ids are chosen. */
  readonly sessionId: string
  /** The account or identity, as bridged messages name it. */
  readonly publisher: string
  /** For the log. */
  readonly name: string
  readonly access: TopicAccess
}

/**
 * What aedes takes for the connection of a client: only whole packets come in, and what goes out is bounded. Clients'
 * sockets and hub sessions are behind it.
 */
export abstract class TopicStream extends Duplex implements SessionSink {
  readonly order = new PublishOrder(() => this.onOrderProgress())
  /** The filters that were granted to the client, also those of an earlier connection. */
  readonly granted = new Set<string>()
  /** QoS 2 messages that the client has not released, when it has no persistent session. */
  readonly received = new Set<number>()
  /** The persistent session of the client, once it was welcomed. */
  session: TopicSession | undefined
  /** Whether the client was welcomed: nothing else may be sent to it before [MQTT-3.2.0-1]. */
  hasBegun = false

  constructor() {
    super({ readableHighWaterMark: CHUNK_BYTES, writableHighWaterMark: CHUNK_BYTES })
  }

  abstract get login(): TopicLoginFacts
  abstract get isCongested(): boolean
  /** Whether more waits for the client than may. */
  abstract get isOverfull(): boolean
  /** Packets that may leave now, whole. */
  protected abstract send(bytes: Buffer): void
  /** The client was welcomed: what it sends may come in. */
  protected abstract onBegin(): void
  protected abstract onOrderProgress(): void

  /** Begins, with the client's persistent session if it wants one. */
  begin(session: TopicSession | undefined): void {
    this.hasBegun = true
    this.session = session
    session?.attach(this)
    this.onBegin()
  }

  /** Ends the connection, because of this. */
  fail(reason: unknown): void {
    this.destroy(reason instanceof Error ? reason : new Error(String(reason)))
  }

  mayReceive(topic: string): boolean {
    return this.login.access.mayReceive(topic)
  }

  deliver({ topic, payload, qos, messageId, redelivered, retain }: SessionDelivery): void {
    this.sendPacket({ cmd: 'publish', topic, payload: asBuffer(payload), qos, messageId, dup: redelivered, retain })
  }

  release(messageId: number): void {
    this.sendPacket({ cmd: 'pubrel', messageId })
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.send(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    this.whenReady(done)
  }

  /** Calls when the client has taken what it was given, or is gone. */
  protected abstract whenReady(done: () => void): void

  protected sendPacket(packet: Packet): void {
    this.send(mqttPacket.generate(packet))
  }
}

/** Bytes of packets that aedes is given at once, and so how many of them it works on at the same time. */
const CHUNK_BYTES = 65_536

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
