import { Refusal } from '../refusal.js'
import { amqpBodyBytes } from './body.js'
import { integerField, textField } from './fields.js'
import type { AmqpMessage, WritableAmqpMessage } from './message-format.js'
import type { AmqpId } from './value.js'

/** A method call on a methods link. */
export interface AmqpMethodRequest {
  /** Echoed with its type in the answer; clients in C# want a UUID. */
  readonly id: AmqpId
  readonly name: string
  /** JSON, or empty. */
  readonly body: Uint8Array
}

/** The answer to a method call. */
export interface AmqpMethodResponse {
  readonly id: AmqpId
  /** The client's own. */
  readonly status: number
  /** JSON, or empty. */
  readonly body: Uint8Array
}

// The capitals differ in the two names; clients compare them exactly.
const NAME = 'IoThub-methodname'
const STATUS = 'IoThub-status'

/** A method call as a message. */
export function methodRequestToAmqp({ id, name, body }: AmqpMethodRequest): WritableAmqpMessage {
  return { correlation_id: id, application_properties: { [NAME]: name }, body }
}

/** Reads a method call. */
export function methodRequestFromAmqp(wire: AmqpMessage): AmqpMethodRequest | Refusal {
  const name = textField(wire.application_properties?.[NAME])
  if (name === undefined) return new Refusal('the name of the method is missing', 0)
  if (wire.correlation_id === undefined) return new Refusal('the correlation id is missing', 0)
  const body = amqpBodyBytes(wire)
  return body instanceof Refusal ? body : { id: wire.correlation_id, name, body }
}

/** An answer as a message. */
export function methodResponseToAmqp({ id, status, body }: AmqpMethodResponse): WritableAmqpMessage {
  return { correlation_id: id, application_properties: { [STATUS]: status }, body }
}

/** Reads an answer. */
export function methodResponseFromAmqp(wire: AmqpMessage): AmqpMethodResponse | Refusal {
  const status = integerField(wire.application_properties?.[STATUS])
  if (status === undefined) return new Refusal('the status is not a whole number', 0)
  if (wire.correlation_id === undefined) return new Refusal('the correlation id is missing', 0)
  const body = amqpBodyBytes(wire)
  return body instanceof Refusal ? body : { id: wire.correlation_id, status, body }
}
