import {
  type ApplicationProperties,
  createMessage,
  type Message,
  NO_PROPERTIES,
  type SystemProperties,
} from '@edgewright/core'
import { Refusal } from '../refusal.js'
import { amqpBodyBytes } from './body.js'
import { compact, idText, integerField, isoTime, textField, timeFromIso } from './fields.js'
import type { AmqpMessage, WritableAmqpMessage } from './message-format.js'
import { type AmqpValue, ubyte, ulong } from './value.js'

/** A message on its way from the hub to a client. */
export interface AmqpDelivery {
  readonly message: Message
  /** The module input it is for; absent for a cloud-to-device message. */
  readonly input?: string | undefined
}

/** Telemetry of a client as a message. Who sent it is the link's business: stamps in it are passed over. */
export function telemetryFromAmqp(wire: AmqpMessage): Message | Refusal {
  const annotations = wire.message_annotations
  if (!annotations) return fromAmqp(wire, NOTHING)
  return fromAmqp(wire, {
    interfaceId: textField(annotations[INTERFACE_ID]),
    component: textField(annotations[COMPONENT]),
    diagnosticId: textField(annotations[DIAGNOSTIC_ID]),
    diagnosticContext: textField(annotations[DIAGNOSTIC_CONTEXT]),
  })
}

/** A client's telemetry as it goes to the hub. */
export function telemetryToAmqp(message: Message): WritableAmqpMessage {
  const { interfaceId, component, diagnosticId, diagnosticContext, outputName } = message.system
  const annotations = {
    [INTERFACE_ID]: interfaceId,
    [COMPONENT]: component,
    [DIAGNOSTIC_ID]: diagnosticId,
    [DIAGNOSTIC_CONTEXT]: diagnosticContext,
  }
  return toAmqp(message, annotations, outputName)
}

/** What the hub sends to a client: a cloud-to-device message, or one for a module input. */
export function deliveryFromAmqp(wire: AmqpMessage): AmqpDelivery | Refusal {
  const annotations = wire.message_annotations ?? {}
  const message = fromAmqp(wire, {
    component: textField(annotations[COMPONENT]),
    connectionDeviceId: textField(annotations[CONNECTION_DEVICE]),
    connectionModuleId: textField(annotations[CONNECTION_MODULE]),
    enqueuedTime: isoTime(annotations[ENQUEUED_TIME]),
    deliveryCount: integerField(annotations[DELIVERY_COUNT]),
    sequenceNumber: integerField(annotations[SEQUENCE_NUMBER]),
    lockToken: textField(annotations[LOCK_TOKEN]),
  })
  if (message instanceof Refusal) return message
  const input = textField(annotations[INPUT_NAME])
  return input === undefined ? { message } : { message, input }
}

/**
 * What goes to a client, with the types on the wire that C# clients insist on. On which output, of which interface and in
 * which trace a message was sent is not told. Source: wire reference, sections 2.5 and 3.6.
 */
export function deliveryToAmqp({ message, input }: AmqpDelivery): WritableAmqpMessage {
  const { system } = message
  return toAmqp(message, {
    [INPUT_NAME]: input,
    [COMPONENT]: system.component,
    [CONNECTION_DEVICE]: system.connectionDeviceId,
    [CONNECTION_MODULE]: system.connectionModuleId,
    [ENQUEUED_TIME]: timeFromIso(system.enqueuedTime),
    [DELIVERY_COUNT]: system.deliveryCount === undefined ? undefined : ubyte(Math.min(system.deliveryCount, 255)),
    [SEQUENCE_NUMBER]: system.sequenceNumber === undefined ? undefined : ulong(system.sequenceNumber),
    [LOCK_TOKEN]: system.lockToken,
  })
}

const NOTHING: SystemProperties = Object.freeze({})
const WITHOUT_PROPERTIES: SplitProperties = Object.freeze({ lifted: NOTHING, properties: NO_PROPERTIES })
const INTERFACE_ID = 'iothub-interface-id'
const COMPONENT = 'dt-subject'
const DIAGNOSTIC_ID = 'Diagnostic-Id'
const DIAGNOSTIC_CONTEXT = 'Correlation-Context'
const CONNECTION_DEVICE = 'iothub-connection-device-id'
const CONNECTION_MODULE = 'iothub-connection-module-id'
const ENQUEUED_TIME = 'iothub-enqueuedtime'
const DELIVERY_COUNT = 'iothub-deliverycount'
const SEQUENCE_NUMBER = 'x-opt-sequence-number'
const LOCK_TOKEN = 'x-opt-lock-token'
const INPUT_NAME = 'x-opt-input-name'

/** System properties that travel among the application properties. */
const LIFTED = {
  'iothub-ack': 'ack',
  'iothub-message-schema': 'messageSchema',
  'iothub-creation-time-utc': 'creationTime',
  'iothub-operation': 'operation',
  'iothub-outputname': 'outputName',
} as const satisfies Record<string, keyof SystemProperties>

type LiftedName = keyof typeof LIFTED

function fromAmqp(wire: AmqpMessage, annotated: SystemProperties): Message | Refusal {
  const body = amqpBodyBytes(wire)
  if (body instanceof Refusal) return body
  const { lifted, properties } = splitProperties(wire.application_properties)
  const system = compact({
    messageId: idText(wire.message_id),
    correlationId: idText(wire.correlation_id),
    userId: textField(wire.user_id),
    to: textField(wire.to),
    contentType: textField(wire.content_type),
    contentEncoding: textField(wire.content_encoding),
    expiryTime: isoTime(wire.absolute_expiry_time),
    ...lifted,
    ...annotated,
  })
  // Messages that share their property objects cost the hub less.
  return createMessage({ body, properties, system: hasMember(system) ? system : NOTHING })
}

interface SplitProperties {
  readonly lifted: SystemProperties
  readonly properties: ApplicationProperties
}

function splitProperties(wire: Readonly<Record<string, unknown>> | null | undefined): SplitProperties {
  if (!wire) return WITHOUT_PROPERTIES
  const lifted: { -readonly [name in (typeof LIFTED)[LiftedName]]?: string } = {}
  const properties = new Map<string, string | null>()
  for (const [name, value] of Object.entries(wire)) {
    const text = propertyText(value)
    if (Object.hasOwn(LIFTED, name)) lifted[LIFTED[name as LiftedName]] = text ?? undefined
    else properties.set(name, text)
  }
  return { lifted, properties: properties.size === 0 ? NO_PROPERTIES : properties }
}

/** Application properties are text for IoT Hub: numbers and truths become what an MQTT client would have sent. */
function propertyText(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return typeof value === 'string' ? value : (isoTime(value) ?? null)
}

/** Members that are undefined are left out when it is written, so they need not be taken out here: this is the hot path. */
function toAmqp(
  message: Message,
  annotations: Readonly<Record<string, AmqpValue | undefined>>,
  outputName?: string,
): WritableAmqpMessage {
  const { system } = message
  return {
    message_id: system.messageId,
    correlation_id: system.correlationId,
    user_id: system.userId,
    to: system.to,
    content_type: system.contentType,
    content_encoding: system.contentEncoding,
    absolute_expiry_time: timeFromIso(system.expiryTime),
    message_annotations: hasMember(annotations) ? annotations : undefined,
    application_properties: applicationProperties(message, outputName),
    body: message.body,
  }
}

function applicationProperties(
  { properties, system }: Message,
  outputName: string | undefined,
): Record<string, string | null> | undefined {
  let wire: Record<string, string | null> | undefined
  if (properties.size > 0) wire = Object.fromEntries(properties)
  for (const name in LIFTED) {
    const property = LIFTED[name as LiftedName]
    const value = property === 'outputName' ? outputName : system[property]
    if (value !== undefined) (wire ??= {})[name] = value
  }
  return wire
}

function hasMember(record: Readonly<Record<string, unknown>>): boolean {
  for (const name in record) if (record[name] !== undefined) return true
  return false
}
