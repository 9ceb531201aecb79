import { isUtf8 } from 'node:buffer'
import { type ClientTopic, type ClientTopicReader, Refusal, type TelemetryTopic } from '@edgewright/protocol'
import type { Packet } from 'mqtt-packet'
import { isFree, isTopicName } from '../free-topics/topic-filter.js'
import { connectLevel, decodePacket, hasValidFlags } from './packet-codec.js'
import { PacketCutter } from './packet-cutter.js'
import { PacketType } from './packet-type.js'
import { type PublishParts, readPublish } from './publish.js'

/** What a {@link PacketReader} finds. */
export interface PacketHandler {
  /** Telemetry; the message id is 0 with QoS 0. The body is a view of the bytes that came. */
  onTelemetry(topic: TelemetryTopic, body: Buffer, messageId: number, retain: boolean): void
  /** A PUBLISH on any other topic of the table. */
  onControl(topic: Exclude<ClientTopic, TelemetryTopic>, body: Buffer, messageId: number): void
  /** A PUBLISH on a topic that is not in the table, for this reason, but may be a free one. */
  onOtherTopic(topic: string, body: Buffer, messageId: number, retain: boolean, reason: string): void
  onPuback(messageId: number): void
  /** Any other packet. */
  onPacket(packet: Packet): void
  /** A CONNECT of another version of the protocol. */
  onForeignVersion(level: number): void
  /** Bytes that are no packet, or a packet that may not be. */
  onViolation(reason: string): void
}

/**
 * Reads packets out of a stream of bytes. What busy clients send, PUBLISH and PUBACK, is read in place; the rest by
 * mqtt-packet.
 */
export class PacketReader {
  readonly #cutter: PacketCutter
  readonly #handler: PacketHandler
  #topics: ClientTopicReader | undefined

  /** @param limit - bytes of one packet until {@link open} */
  constructor(limit: number, handler: PacketHandler) {
    this.#cutter = new PacketCutter(limit)
    this.#handler = handler
  }

  /** The client is known: it may publish, in packets of up to so many bytes. */
  open(topics: ClientTopicReader, limit: number): void {
    this.#topics = topics
    this.#cutter.limit = limit
  }

  /** Whether nothing came that was not handled. */
  get isEmpty(): boolean {
    return this.#cutter.isEmpty
  }

  /** Adds what came. To be called only when {@link next} has found nothing more. */
  append(chunk: Buffer): void {
    this.#cutter.append(chunk)
  }

  /** Handles the next packet. @returns false when there is none */
  next(): boolean {
    const cut = this.#cutter.next()
    if (cut === 'incomplete') return false
    if (cut === 'packet') this.#read()
    else this.#handler.onViolation(cut === 'too-long' ? 'a packet longer than allowed' : 'a malformed fixed header')
    return true
  }

  #read() {
    const { first, bytes, start, end } = this.#cutter
    const type = first >>> 4
    if (type === PacketType.publish) return this.#readPublish()
    if (!hasValidFlags(first)) return this.#handler.onViolation('flags that the type does not have [MQTT-2.2.2-2]')
    if (type === PacketType.puback && this.#topics !== undefined && end - start === 2) {
      return this.#handler.onPuback((bytes[start]! << 8) | bytes[start + 1]!)
    }
    const level = type === PacketType.connect ? connectLevel(bytes, start, end) : undefined
    if (level !== undefined && level !== MQTT_3_1_1) return this.#handler.onForeignVersion(level)
    const packet = decodePacket(this.#cutter.packet())
    return packet === undefined ? this.#handler.onViolation('a malformed packet') : this.#handler.onPacket(packet)
  }

  #readPublish() {
    if (this.#topics === undefined) return this.#handler.onViolation('a PUBLISH before CONNECT [MQTT-3.1.0-1]')
    const fault = readPublish(this.#cutter, PARTS)
    if (fault !== undefined) return this.#handler.onViolation(fault)
    const { bytes, end } = this.#cutter
    const { topicStart, topicEnd, bodyStart, messageId, retain } = PARTS
    const topic = this.#topics.read(bytes, topicStart, topicEnd)
    const body = bytes.subarray(bodyStart, end)
    if (topic instanceof Refusal) {
      const name = bytes.subarray(topicStart, topicEnd)
      const text = name.toString('utf8')
      if (!isUtf8(name) || !isTopicName(text) || !isFree(text)) return this.#handler.onViolation(topic.reason)
      return this.#handler.onOtherTopic(text, body, messageId, retain, topic.reason)
    }
    if (topic.kind === 'telemetry') this.#handler.onTelemetry(topic, body, messageId, retain)
    else this.#handler.onControl(topic, body, messageId)
  }
}

const MQTT_3_1_1 = 4

/** Where the PUBLISH being read has its parts: reading one never pauses, so one serves all. */
const PARTS: PublishParts = { topicStart: 0, topicEnd: 0, bodyStart: 0, messageId: 0, retain: false }
