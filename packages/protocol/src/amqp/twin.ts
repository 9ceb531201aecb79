import { Refusal } from '../refusal.js'
import { amqpBodyBytes } from './body.js'
import { compact, integerField, textField } from './fields.js'
import type { AmqpMessage, WritableAmqpMessage } from './message-format.js'
import type { AmqpId } from './value.js'

/** What a client asks of its twin. */
export type TwinOperation =
  /** Read the twin. */
  | 'get'
  /** Change the reported properties. */
  | 'patch'
  /** Be told of changes to the desired properties. */
  | 'subscribe'
  /** No longer be told. */
  | 'unsubscribe'

/** A request on a twin link. */
export interface AmqpTwinRequest {
  readonly operation: TwinOperation
  /** Echoed with its type in the answer. */
  readonly id: AmqpId
  /** JSON merge patch for `patch`; one space else. */
  readonly body: Uint8Array
}

/** What comes on a twin link from the hub. */
export type AmqpTwinNotice =
  | {
      readonly kind: 'response'
      readonly id: AmqpId
      /** As HTTP has it. */
      readonly status: number
      /** New version of the reported properties, after `patch`. */
      readonly version?: number | undefined
      readonly body: Uint8Array
    }
  | { readonly kind: 'desired'; readonly version?: number | undefined; readonly body: Uint8Array }

const VERBS: Readonly<Record<TwinOperation, string>> = Object.freeze({
  get: 'GET',
  patch: 'PATCH',
  subscribe: 'PUT',
  unsubscribe: 'DELETE',
})
const DESIRED = '/notifications/twin/properties/desired'
const RESOURCES: Readonly<Record<TwinOperation, string | undefined>> = Object.freeze({
  get: undefined,
  patch: '/properties/reported',
  subscribe: DESIRED,
  unsubscribe: DESIRED,
})

/** A twin request as a message. */
export function twinRequestToAmqp({ operation, id, body }: AmqpTwinRequest): WritableAmqpMessage {
  return {
    correlation_id: id,
    message_annotations: { operation: VERBS[operation], resource: RESOURCES[operation] },
    body,
  }
}

/** Reads a twin request. The resource is compared only where it tells requests apart. */
export function twinRequestFromAmqp(wire: AmqpMessage): AmqpTwinRequest | Refusal {
  const verb = textField(wire.message_annotations?.operation)?.toUpperCase()
  const operation = OPERATIONS.find(candidate => VERBS[candidate] === verb)
  if (operation === undefined) return new Refusal('the operation is not known', 0)
  const resource = textField(wire.message_annotations?.resource)?.toLowerCase()
  if (operation !== 'get' && resource !== RESOURCES[operation]) return new Refusal('the resource is not known', 0)
  if (wire.correlation_id === undefined) return new Refusal('the correlation id is missing', 0)
  const body = amqpBodyBytes(wire)
  return body instanceof Refusal ? body : { operation, id: wire.correlation_id, body }
}

/** An answer or a change as a message. */
export function twinNoticeToAmqp(notice: AmqpTwinNotice): WritableAmqpMessage {
  const { version, body } = notice
  if (notice.kind === 'desired') return { message_annotations: { resource: DESIRED, version }, body }
  return { correlation_id: notice.id, message_annotations: { status: notice.status, version }, body }
}

/** Reads what comes on a twin link: without a correlation id it is a change of desired properties. */
export function twinNoticeFromAmqp(wire: AmqpMessage): AmqpTwinNotice | Refusal {
  const body = amqpBodyBytes(wire)
  if (body instanceof Refusal) return body
  const version = integerField(wire.message_annotations?.version)
  if (wire.correlation_id === undefined) return compact({ kind: 'desired' as const, version, body })
  const status = integerField(wire.message_annotations?.status)
  if (status === undefined) return new Refusal('the status is not a number', 0)
  return compact({ kind: 'response' as const, id: wire.correlation_id, status, version, body })
}

const OPERATIONS = Object.keys(VERBS) as TwinOperation[]
