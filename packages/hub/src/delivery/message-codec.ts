import { EdgewrightError, type Message, NO_PROPERTIES, type SystemProperties } from '@edgewright/core'
import type { MessageId } from './message-id.js'

/*
 * How a message lies in the store. All numbers big-endian.
 *
 *   u8    format, 1
 *   u48   milliseconds since 1970 when it was stored
 *   u128  its id
 *   u8    number of system properties, each: u8 field, u32 length, value in UTF-8; the hub's own come first
 *   u16   number of application properties, each: u32 length, name, u32 length (0xffffffff: null), value
 *   …     body, to the end
 */
const FORMAT = 1
const TIME_AT = 1
const ID_AT = 7
const COUNT_AT = 23
const HEADER_BYTES = 24
const SERIES_BYTES = 10
const NULL_VALUE = 0xffff_ffff
const MAX_PROPERTIES = 0xffff

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
  'edgeHubOriginInterface',
  'enqueuedTime',
  'deliveryCount',
  'sequenceNumber',
  'lockToken',
  'messageType',
  'reportedByDeviceId',
  'reportedByModuleId',
]
const NUMERIC: ReadonlySet<string> = new Set<keyof SystemProperties>(['deliveryCount', 'sequenceNumber'])
const FIELD_NUMBERS = new Map<string, number>(FIELDS.map((name, index) => [name, index]))

/** What goes to the store with a body. */
export interface StoredWith {
  /** As {@link encodeProperties} made them. */
  readonly properties: Buffer
  readonly id: MessageId
  /** Milliseconds since 1970. */
  readonly storedAt: number
}

/** A message as bytes for the store. */
export function encodeMessage(body: Uint8Array, { properties, id, storedAt }: StoredWith): Buffer {
  const target = Buffer.allocUnsafe(COUNT_AT + properties.length + body.byteLength)
  target[0] = FORMAT
  target.writeUIntBE(storedAt, TIME_AT, 6)
  target.set(id.series.bytes, ID_AT)
  target.writeUIntBE(id.number, ID_AT + SERIES_BYTES, 6)
  target.set(properties, COUNT_AT)
  target.set(body, COUNT_AT + properties.length)
  return target
}

/**
 * Properties as they stand before the body, from the number of system properties on.
 *
 * @param known - what the hub says, whatever the message says: also that something is undefined
 */
export function encodeProperties(sent: Message, known: SystemProperties): Buffer {
  const target = Buffer.allocUnsafe(1 + systemBound(known) + propertiesBound(sent))
  let at = 1
  target[0] = 0
  const put = (name: string, value: string | number | undefined) => {
    const end = writeField(target, at, name, value)
    if (end > at) target[0]! += 1
    at = end
  }
  for (const [name, value] of Object.entries(known)) put(name, value)
  for (const [name, value] of Object.entries(sent.system)) if (!(name in known)) put(name, value)
  at = target.writeUInt16BE(sent.properties.size, at)
  for (const [name, value] of sent.properties) {
    at = writeText(target, at, name)
    at = value === null ? target.writeUInt32BE(NULL_VALUE, at) : writeText(target, at, value)
  }
  return target.subarray(0, at)
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
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(TIME_AT, 6)
}

function decode(source: Buffer): Message {
  if (source[0] !== FORMAT) throw new RangeError(`unknown format ${source[0]}`)
  const system: Record<string, string | number> = { edgeMessageId: readId(source) }
  let at = HEADER_BYTES
  for (let left = source[COUNT_AT]!; left > 0; left--) {
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

function readId(source: Buffer): string {
  const hex = source.toString('hex', ID_AT, COUNT_AT)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** At least as many bytes as the properties take: three for each UTF-16 unit is the most that UTF-8 needs. */
function propertiesBound({ properties, system }: Message): number {
  if (properties.size > MAX_PROPERTIES) {
    throw new EdgewrightError('MESSAGE_TOO_LARGE', `A message has more than ${MAX_PROPERTIES} properties`)
  }
  let bound = 2 + systemBound(system)
  for (const [name, value] of properties) bound += 8 + name.length * 3 + (value === null ? 0 : value.length * 3)
  return bound
}

function systemBound(system: SystemProperties): number {
  let bound = 0
  for (const name in system) {
    const value = system[name as keyof SystemProperties]
    bound += 5 + (typeof value === 'string' ? value.length * 3 : 24)
  }
  return bound
}

/** Writes nothing for a value that is absent, or a property that has no number. */
function writeField(target: Buffer, at: number, name: string, value: string | number | undefined): number {
  const field = FIELD_NUMBERS.get(name)
  if (value === undefined || field === undefined) return at
  target[at] = field
  return writeText(target, at + 1, typeof value === 'number' ? String(value) : value)
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
