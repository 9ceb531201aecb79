import { type AmqpId, AmqpTyped, symbol, type AmqpValue } from './value.js'
import { AmqpWriter } from './writer.js'

/** What a body section holds when it is not data. */
export class AmqpBodyValue {
  constructor(readonly value: AmqpValue) {}
}

/**
 * A message of AMQP 1.0 part 3, section 3.2, flat as rhea has it. Read values come as rhea decodes them; what is written
 * are {@link AmqpValue}s, with bytes as body for a data section.
 */
export interface AmqpMessage {
  readonly message_id?: AmqpId | undefined
  readonly user_id?: Uint8Array | string | undefined
  readonly to?: string | undefined
  readonly subject?: string | undefined
  readonly reply_to?: string | undefined
  readonly correlation_id?: AmqpId | undefined
  readonly content_type?: string | undefined
  readonly content_encoding?: string | undefined
  readonly absolute_expiry_time?: Date | number | undefined
  readonly creation_time?: Date | number | undefined
  readonly message_annotations?: Readonly<Record<string, unknown>> | undefined
  readonly application_properties?: Readonly<Record<string, unknown>> | undefined
  readonly body?: unknown
}

/** A message that can be written. */
export interface WritableAmqpMessage extends AmqpMessage {
  readonly message_annotations?: Readonly<Record<string, AmqpValue | undefined>> | undefined
  readonly application_properties?: Readonly<Record<string, AmqpValue | undefined>> | undefined
  readonly body?: Uint8Array | AmqpBodyValue | undefined
}

const SECTION = Object.freeze({
  annotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  value: 0x77,
})
const OVERHEAD_BYTES = 256

/** The bytes of a message: the payload of its transfers, in message format 0. */
export function encodeAmqpMessage(message: WritableAmqpMessage): Buffer {
  const { body } = message
  const writer = new AmqpWriter(OVERHEAD_BYTES + (body instanceof Uint8Array ? body.byteLength : 0))
  if (message.message_annotations !== undefined) {
    writer.descriptor(SECTION.annotations)
    writer.map(message.message_annotations, 'symbol')
  }
  const properties = propertyList(message)
  if (properties.some(property => property !== undefined)) {
    writer.descriptor(SECTION.properties)
    writer.composite(properties)
  }
  if (message.application_properties !== undefined) {
    writer.descriptor(SECTION.applicationProperties)
    writer.map(message.application_properties)
  }
  if (body instanceof Uint8Array) {
    writer.descriptor(SECTION.data)
    writer.binary(body)
  } else {
    writer.descriptor(SECTION.value)
    writer.value(body?.value)
  }
  return writer.finish()
}

/** The properties section, in the order of AMQP 1.0 part 3, section 3.2.4. */
function propertyList(message: WritableAmqpMessage): readonly (AmqpValue | undefined)[] {
  return [
    idValue(message.message_id),
    typeof message.user_id === 'string' ? Buffer.from(message.user_id, 'utf8') : message.user_id,
    message.to,
    message.subject,
    message.reply_to,
    idValue(message.correlation_id),
    symbolValue(message.content_type),
    symbolValue(message.content_encoding),
    timeValue(message.absolute_expiry_time),
    timeValue(message.creation_time),
  ]
}

/** 16 bytes were a UUID when they were read, so they are one again. */
function idValue(id: AmqpId | undefined): AmqpValue | undefined {
  if (id instanceof Uint8Array && id.byteLength === 16) return new AmqpTyped('uuid', id)
  return typeof id === 'number' || typeof id === 'bigint' ? new AmqpTyped('ulong', id) : id
}

function symbolValue(text: string | undefined): AmqpValue | undefined {
  return text === undefined ? undefined : symbol(text)
}

function timeValue(time: Date | number | undefined): AmqpValue | undefined {
  return typeof time === 'number' ? new Date(time) : time
}
