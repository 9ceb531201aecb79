/** What is published on a free topic. */
export interface TopicMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

const VERSION = 1
const HEADER_BYTES = 4

/** A message as it is stored. Layout: version, QoS with 4 for retain, length of the topic (2), topic, payload. */
export function encodeTopicMessage({ topic, payload, qos, retain }: TopicMessage): Buffer {
  const topicBytes = Buffer.byteLength(topic, 'utf8')
  const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + topicBytes + payload.byteLength)
  bytes[0] = VERSION
  bytes[1] = qos | (retain ? 4 : 0)
  bytes.writeUInt16BE(topicBytes, 2)
  bytes.write(topic, HEADER_BYTES, 'utf8')
  bytes.set(payload, HEADER_BYTES + topicBytes)
  return bytes
}

/** Reads what {@link encodeTopicMessage} wrote; undefined when it is something else. */
export function decodeTopicMessage(stored: Uint8Array): TopicMessage | undefined {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION) return undefined
  const qos = bytes[1]! & 3
  const end = HEADER_BYTES + bytes.readUInt16BE(2)
  if (qos === 3 || end > bytes.length) return undefined
  const topic = bytes.toString('utf8', HEADER_BYTES, end)
  return { topic, payload: bytes.subarray(end), qos: qos as 0 | 1 | 2, retain: (bytes[1]! & 4) !== 0 }
}
