import type { ClientDelivery, Identity } from '@edgewright/core'
import { formatHubTopic } from '@edgewright/protocol'
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
  #queue: ClientDelivery[] = []

  constructor(identity: Identity, windowSize: number, metrics: MqttMetrics) {
    this.#identity = identity
    this.#window = new OutboundWindow(windowSize)
    this.#metrics = metrics
  }

  /** Puts deliveries at the end of the queue. */
  add(deliveries: readonly ClientDelivery[]): void {
    this.#queue.push(...deliveries)
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
    let written = 0
    for (const delivery of this.#queue) {
      const qos = qosOf(delivery.input === undefined ? 'commands' : 'inputs')
      if (outlet.isCongested || (qos === 1 && this.#window.isFull)) break
      this.#write(delivery, qos, writer.to(outlet))
      if (writer.pending >= WRITE_BYTES) writer.flush()
      written += 1
    }
    if (written > 0) this.#queue = this.#queue.slice(written)
    writer.flush()
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
