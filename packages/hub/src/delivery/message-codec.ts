import { EdgewrightError, type Message, NO_PROPERTIES, type SystemProperties } from '@edgewright/core'

/*
 * How a message lies in the store. All numbers big-endian.
 *
 *   u8   format, 1
 *   u48  milliseconds since 1970 when it was stored
 *   u8   number of system properties, each: u8 field, u32 length, value in UTF-8
 *   u16  number of application properties, each: u32 length, name, u32 length (0xffffffff: null), value
 *   …    body, to the end
 */
const FORMAT = 1
const HEADER_BYTES = 8
const NULL_VALUE = 0xffff_ffff

/** Fields by their number in the store. Append only: a number once given keeps its meaning. */
const FIELDS: readonly (keyof SystemProperties)[] = [
  'messageId',
  'correlationId',
  'userId',
  'to',
  'ack',
  'expiryTime',
  'contentType',
  'contentEncoding',
  'creationTime',
  'messageSchema',
  'operation',
  'outputName',
  'interfaceId',
  'component',
  'modelId',
  'diagnosticId',
  'diagnosticContext',
  'connectionDeviceId',
  'connectionModuleId',
  'edgeMessageId',
  'edgeHubOriginInterface',
  'enqueuedTime',
  'deliveryCount',
  'sequenceNumber',
  'lockToken',
  'messageType',
  'reportedByDeviceId',
  'reportedByModuleId',
]
const NUMERIC: ReadonlySet<keyof SystemProperties> = new Set(['deliveryCount', 'sequenceNumber'])
const FIELD_NUMBERS = new Map(FIELDS.map((name, index) => [name as string, index]))
const MAX_PROPERTIES = 0xffff

/**
 * A message as bytes for the store.
 *
 * @param storedAt - milliseconds since 1970
 */
export function encodeMessage(message: Message, storedAt: number): Buffer {
  const target = Buffer.allocUnsafe(encodedBound(message))
  target[0] = FORMAT
  target.writeUIntBE(storedAt, 1, 6)
  let at = HEADER_BYTES
  let systemCount = 0
  for (const name in message.system) {
    const value = message.system[name as keyof SystemProperties]
    const field = FIELD_NUMBERS.get(name)
    if (value === undefined || field === undefined) continue
    target[at++] = field
    at = writeText(target, at, typeof value === 'number' ? String(value) : value)
    systemCount++
  }
  target[HEADER_BYTES - 1] = systemCount
  at = target.writeUInt16BE(message.properties.size, at)
  for (const [name, value] of message.properties) {
    at = writeText(target, at, name)
    at = value === null ? target.writeUInt32BE(NULL_VALUE, at) : writeText(target, at, value)
  }
  target.set(message.body, at)
  return target.subarray(0, at + message.body.byteLength)
}

/**
 * The message of bytes that {@link encodeMessage} made. The body is a view of the same memory.
 *
 * @throws `MESSAGE_DAMAGED`
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return decode(source)
  } catch (cause) {
    throw new EdgewrightError('MESSAGE_DAMAGED', 'A stored message cannot be read', {
      remedy: 'It was set aside; nothing else is affected. Check the disk.',
      cause,
    })
  }
}

/** When a message was stored, in milliseconds since 1970, from its bytes alone; 0 when they cannot be read. */
export function storedAt(bytes: Uint8Array): number {
  if (bytes[0] !== FORMAT || bytes.byteLength < HEADER_BYTES) return 0
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(1, 6)
}

function decode(source: Buffer): Message {
  if (source[0] !== FORMAT) throw new RangeError(`unknown format ${source[0]}`)
  const system: Record<string, string | number> = {}
  let at = HEADER_BYTES
  for (let left = source[HEADER_BYTES - 1]!; left > 0; left--) {
    const name = FIELDS[source[at]!]
    if (name === undefined) throw new RangeError(`unknown field ${source[at]}`)
    const end = textEnd(source, at + 1)
    const text = source.toString('utf8', at + 5, end)
    system[name] = NUMERIC.has(name) ? Number(text) : text
    at = end
  }
  const count = source.readUInt16BE(at)
  at += 2
  if (count === 0) return { body: source.subarray(at), properties: NO_PROPERTIES, system }
  const properties = new Map<string, string | null>()
  for (let left = count; left > 0; left--) {
    const nameEnd = textEnd(source, at)
    const name = source.toString('utf8', at + 4, nameEnd)
    if (source.readUInt32BE(nameEnd) === NULL_VALUE) {
      properties.set(name, null)
      at = nameEnd + 4
    } else {
      at = textEnd(source, nameEnd)
      properties.set(name, source.toString('utf8', nameEnd + 4, at))
    }
  }
  return { body: source.subarray(at), properties, system }
}

/** At least as many bytes as the message takes: three for each UTF-16 unit is the most that UTF-8 needs. */
function encodedBound(message: Message): number {
  if (message.properties.size > MAX_PROPERTIES) {
    throw new EdgewrightError('MESSAGE_TOO_LARGE', `A message has more than ${MAX_PROPERTIES} properties`)
  }
  let bound = HEADER_BYTES + 2 + message.body.byteLength
  for (const name in message.system) {
    const value = message.system[name as keyof SystemProperties]
    bound += 5 + (typeof value === 'string' ? value.length * 3 : 24)
  }
  for (const [name, value] of message.properties) {
    bound += 8 + name.length * 3 + (value === null ? 0 : value.length * 3)
  }
  return bound
}

function writeText(target: Buffer, at: number, text: string): number {
  const length = target.write(text, at + 4, 'utf8')
  target.writeUInt32BE(length, at)
  return at + 4 + length
}

function textEnd(source: Buffer, at: number): number {
  const end = at + 4 + source.readUInt32BE(at)
  if (end > source.length) throw new RangeError('a length points past the end')
  return end
}
