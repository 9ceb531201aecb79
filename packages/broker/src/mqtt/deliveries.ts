import type { ClientDelivery, Identity } from '@edgewright/core'
import { formatHubTopic } from '@edgewright/protocol'
import { Fifo } from '../fifo.js'
import type { TopicDelivery } from '../free-topics/topic-link.js'
import { MAX_TOPIC_BYTES } from './limits.js'
import type { MqttMetrics } from './metrics.js'
import type { Outlet } from '../outlet.js'
import { OutboundWindow } from './outbound-window.js'
import type { PacketWriter } from './packet-writer.js'

/** The deliveries of one client: in order, no more at once than the window, and only as fast as the client takes them. */
export class Deliveries {
  readonly #identity: Identity
  readonly #window: OutboundWindow
  readonly #metrics: MqttMetrics
  readonly #queue = new Fifo<ClientDelivery | TopicDelivery>()
  #topicBytes = 0

  constructor(identity: Identity, windowSize: number, metrics: MqttMetrics) {
    this.#identity = identity
    this.#window = new OutboundWindow(windowSize)
    this.#metrics = metrics
  }

  /** Puts deliveries at the end of the queue. */
  add(deliveries: readonly ClientDelivery[]): void {
    for (const delivery of deliveries) this.#queue.push(delivery)
  }

  /** Puts a message of a free topic at the end of the queue. */
  addTopic(delivery: TopicDelivery): void {
    this.#topicBytes += delivery.payload.byteLength
    this.#queue.push(delivery)
  }

  /** Bytes of messages of free topics in the queue. */
  get topicBytes(): number {
    return this.#topicBytes
  }

  /** A PUBACK came. */
  acknowledge(messageId: number): void {
    this.#window.remove(messageId)?.settle('completed')
  }

  /**
   * Writes what may be written now.
   *
   * @param qosOf - the QoS granted for inputs and commands
   */
  pump(writer: PacketWriter, outlet: Outlet, qosOf: (kind: 'inputs' | 'commands') => 0 | 1): void {
    for (let next = this.#queue.first; next !== undefined; next = this.#queue.first) {
      const qos = 'topic' in next ? next.qos : qosOf(next.input === undefined ? 'commands' : 'inputs')
      if (outlet.isCongested || (qos === 1 && this.#window.isFull)) break
      // Out of the queue before anyone is told, because who is told may bring the next.
      this.#queue.shift()
      if ('topic' in next) this.#writeTopic(next, writer.to(outlet))
      else this.#write(next, qos, writer.to(outlet))
      if (writer.pending >= WRITE_BYTES) writer.flush()
    }
    writer.flush()
  }

  #writeTopic(delivery: TopicDelivery, writer: PacketWriter): void {
    const { topic, payload, qos, retain, redelivered } = delivery
    this.#topicBytes -= payload.byteLength
    const messageId = qos === 1 ? this.#window.add(delivery) : 0
    writer.publish(topic, payload, qos, messageId, redelivered, retain)
    this.#metrics.delivered.add()
    if (qos === 0) delivery.settle()
  }

  #write(delivery: ClientDelivery, qos: 0 | 1, writer: PacketWriter) {
    const topic = this.#topic(delivery)
    if (Buffer.byteLength(topic, 'utf8') > MAX_TOPIC_BYTES) {
      this.#metrics.undeliverable.add()
      return delivery.settle('rejected')
    }
    const messageId = qos === 1 ? this.#window.add(delivery) : 0
    writer.publish(topic, delivery.message.body, qos, messageId, delivery.redelivered)
    this.#metrics.delivered.add()
    if (qos === 0) delivery.settle('completed')
  }

  #topic({ input, message }: ClientDelivery): string {
    const { properties, system } = message
    const identity = this.#identity
    return input === undefined
      ? formatHubTopic({ kind: 'command', identity, properties, system })
      : formatHubTopic({ kind: 'input', identity, input, properties, system })
  }
}

/** Bytes after which a write leaves although more follows. */
const WRITE_BYTES = 65_536
