import type { PacketCutter } from './packet-cutter.js'

/** Where the parts of a PUBLISH lie in the bytes of its packet. Reused, so that reading one allocates nothing. */
export interface PublishParts {
  topicStart: number
  topicEnd: number
  bodyStart: number
  /** 0 with QoS 0. */
  messageId: number
  retain: boolean
}

/** Finds the parts of the PUBLISH that a cutter stands on. @returns what is wrong with it, or undefined */
export function readPublish({ bytes, first, start, end }: PacketCutter, parts: PublishParts): string | undefined {
  const qos = (first >>> 1) & 3
  if (qos > 1) return 'QoS 2 is not supported'
  if ((first & 0b1010) === 0b1000) return 'DUP with QoS 0 [MQTT-3.3.1-2]'
  const topicStart = start + 2
  const topicEnd = topicStart + (end < topicStart ? 0 : (bytes[start]! << 8) | bytes[start + 1]!)
  const bodyStart = topicEnd + 2 * qos
  if (bodyStart > end) return 'a PUBLISH shorter than its parts'
  const messageId = qos === 0 ? 0 : (bytes[topicEnd]! << 8) | bytes[topicEnd + 1]!
  if (qos === 1 && messageId === 0) return 'a packet identifier of 0 [MQTT-2.3.1-1]'
  parts.topicStart = topicStart
  parts.topicEnd = topicEnd
  parts.bodyStart = bodyStart
  parts.messageId = messageId
  parts.retain = (first & 1) === 1
  return undefined
}
