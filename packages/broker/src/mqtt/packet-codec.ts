import mqttPacket, { type Packet, type Parser } from 'mqtt-packet'

/**
 * Reads one whole packet, fixed header included; undefined when it is malformed.
 *
 * A parser of its own for each packet, because a parser keeps what the last CONNECT said.
 */
export function decodePacket(bytes: Buffer): Packet | undefined {
  let decoded: Packet | undefined
  const parser: Parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', packet => {
    decoded = packet
  })
  parser.on('error', () => undefined)
  try {
    parser.parse(bytes)
  } catch {
    return undefined
  }
  return decoded
}

/** The protocol level of a CONNECT, read before anything else of it; undefined when it is not MQTT at all. */
export function connectLevel(bytes: Buffer, start: number, end: number): number | undefined {
  const name = ['MQTT', 'MQIsdp'].find(name => bytes.toString('latin1', start + 2, start + 2 + name.length) === name)
  if (name === undefined || bytes[start] !== 0 || bytes[start + 1] !== name.length) return undefined
  const at = start + 2 + name.length
  return at < end ? bytes[at] : undefined
}

/** Whether the flags of a fixed header are what its type demands [MQTT-2.2.2-2]. */
export function hasValidFlags(first: number): boolean {
  const type = first >>> 4
  return (first & 0x0f) === (type === SUBSCRIBE || type === UNSUBSCRIBE ? 0b0010 : 0)
}

/** CONNACK. */
export function connack(returnCode: number, sessionPresent: boolean): Buffer {
  return Buffer.from([0x20, 2, sessionPresent ? 1 : 0, returnCode])
}

/** SUBACK. */
export function suback(messageId: number, granted: readonly number[]): Buffer {
  const length = 2 + granted.length
  const lengthBytes = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >>> 7]
  return Buffer.from([0x90, ...lengthBytes, messageId >>> 8, messageId & 0xff, ...granted])
}

/** UNSUBACK. */
export function unsuback(messageId: number): Buffer {
  return Buffer.from([0xb0, 2, messageId >>> 8, messageId & 0xff])
}

/** PINGRESP. */
export const PINGRESP = Buffer.from([0xd0, 0])

const SUBSCRIBE = 8
const UNSUBSCRIBE = 10
