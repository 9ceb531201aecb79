import type { AmqpMessage } from '@edgewright/protocol'
import type { LinkService } from '../../amqp/links.js'
import { Outbox } from '../../amqp/outbox.js'
import { encodeRheaMessage, type Session, types } from '../../amqp/rhea.js'
import { HubError } from '../../state/hub-error.js'
import type { EventLog } from '../../state/event-log.js'
import { parseEventHubAddress } from './address.js'
import type { EventHubOptions } from './reading.js'

const EVENT_HUB = 'com.microsoft:eventhub'
const PARTITION = 'com.microsoft:partition'
const STRING_CODE = 0xb1

/** The `$management` node: what the event hub is made of, and how far its partitions have come. */
export function managementService(options: EventHubOptions): LinkService {
  const answers = new WeakMap<Session, Outbox>()
  const answersOf = (session: Session) => {
    let found = answers.get(session)
    if (found === undefined) answers.set(session, (found = new Outbox()))
    return found
  }
  return {
    incoming({ path, connection, session }) {
      if (parseEventHubAddress(path, options.entity)?.kind !== 'management') return undefined
      return {
        principal: connection.require('ServiceConnect', options.entity),
        take(delivery) {
          for (const request of delivery.messages) answersOf(session).push(answer(request, options))
          delivery.accept()
        },
      }
    },
    outgoing({ path, connection, link, session }) {
      if (parseEventHubAddress(path, options.entity)?.kind !== 'management') return undefined
      const outbox = answersOf(session)
      return {
        principal: connection.require('ServiceConnect', options.entity),
        ready: () => outbox.flush(link),
        closed: () => outbox.detach(link),
      }
    },
  }
}

function answer(request: AmqpMessage, options: EventHubOptions): Buffer {
  const correlation = { correlation_id: request.message_id }
  try {
    const body = read(request, options)
    return encodeRheaMessage({ ...correlation, application_properties: status(200, 'OK'), body: types.wrap_map(body) })
  } catch (error) {
    const { status: code, message } = HubError.from(error)
    return encodeRheaMessage({
      ...correlation,
      application_properties: status(code, message),
      body: types.wrap_map({}),
    })
  }
}

function status(code: number, description: string): Record<string, unknown> {
  return { 'status-code': code, 'status-description': description }
}

function read(
  { application_properties = {} }: AmqpMessage,
  { state, entity, now }: EventHubOptions,
): Record<string, unknown> {
  const { operation, type, partition } = application_properties
  if (operation !== 'READ') throw new HubError('ArgumentInvalid', `The operation ${String(operation)} is not known`)
  if (type === EVENT_HUB) return eventHub(entity, state.events, now())
  if (type === PARTITION) return partitionOf(entity, state.events, Number(partition))
  throw new HubError('ArgumentInvalid', `The type ${String(type)} is not known`)
}

function eventHub(name: string, events: EventLog, now: number): Record<string, unknown> {
  const ids = Array.from({ length: events.partitionCount }, (_, partition) => String(partition))
  return {
    name,
    type: EVENT_HUB,
    created_at: types.wrap_timestamp(now),
    partition_count: ids.length,
    partition_ids: types.wrap_array(ids, STRING_CODE, undefined),
  }
}

function partitionOf(name: string, events: EventLog, partition: number): Record<string, unknown> {
  if (!(partition >= 0 && partition < events.partitionCount)) {
    throw new HubError('NotFound', `There is no partition ${partition}`)
  }
  const state = events.state(partition)
  return {
    name,
    type: PARTITION,
    partition: String(partition),
    begin_sequence_number: types.wrap_long(state.firstSequenceNumber),
    last_enqueued_sequence_number: types.wrap_long(state.lastSequenceNumber),
    last_enqueued_offset: state.lastOffset,
    last_enqueued_time_utc: types.wrap_timestamp(state.lastEnqueuedTime),
    is_partition_empty: state.isEmpty,
  }
}
