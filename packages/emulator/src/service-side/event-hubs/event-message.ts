import { identityKey } from '@edgewright/core'
import { encodeRheaMessage, messages, types } from '../../amqp/rhea.js'
import type { HubEvent } from '../../state/event.js'
import type { PartitionState } from '../../state/event-log.js'

/**
 * An event as readers of the Event Hubs endpoint get it. Source: wire reference, section 4.3.
 *
 * @param state - of the partition, for readers that asked to be told how far behind they are
 * @param now - milliseconds since 1970
 */
export function encodeEvent(event: HubEvent, state: PartitionState | undefined, now: number): Buffer {
  const { message, sender } = event
  const { system } = message
  return encodeRheaMessage({
    ...(state === undefined ? {} : { delivery_annotations: runtimeAnnotations(state, now) }),
    message_annotations: eventAnnotations(event),
    message_id: system.messageId,
    correlation_id: system.correlationId,
    user_id: system.userId,
    to: system.to ?? `/devices/${identityKey(sender).replace('/', '/modules/')}/messages/events`,
    content_type: system.contentType,
    content_encoding: system.contentEncoding,
    application_properties: applicationProperties(event),
    body: messages.data_section(Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength)),
  })
}

function eventAnnotations(event: HubEvent): Record<string, unknown> {
  const { authentication, enqueuedTime, generationId, message, offset, sender, sequenceNumber, source } = event
  const { system } = message
  const method = { ...authentication, issuer: 'iothub', acceptingIpFilterRule: null }
  return present({
    'x-opt-sequence-number': types.wrap_long(sequenceNumber),
    'x-opt-offset': offset,
    'x-opt-enqueued-time': types.wrap_timestamp(enqueuedTime),
    'x-opt-partition-key': sender.deviceId,
    'iothub-connection-device-id': sender.deviceId,
    'iothub-connection-module-id': sender.moduleId,
    'iothub-connection-auth-method': JSON.stringify(method),
    'iothub-connection-auth-generation-id': generationId,
    'iothub-enqueuedtime': types.wrap_timestamp(enqueuedTime),
    'iothub-message-source': source,
    'iothub-interface-id': system.interfaceId,
    'dt-subject': system.component,
    'dt-dataschema': system.modelId,
  })
}

function applicationProperties({ message }: HubEvent): Record<string, unknown> {
  const { creationTime, messageSchema, operation, outputName } = message.system
  return present({
    ...Object.fromEntries(message.properties),
    'iothub-creation-time-utc': creationTime,
    'iothub-message-schema': messageSchema,
    'iothub-operation': operation,
    'iothub-outputname': outputName,
  })
}

function runtimeAnnotations(state: PartitionState, now: number): Record<string, unknown> {
  return {
    last_enqueued_sequence_number: types.wrap_long(state.lastSequenceNumber),
    last_enqueued_offset: state.lastOffset,
    last_enqueued_time_utc: types.wrap_timestamp(state.lastEnqueuedTime),
    runtime_info_retrieval_time_utc: types.wrap_timestamp(now),
  }
}

function present(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))
}
