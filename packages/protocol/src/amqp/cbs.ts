import { Refusal } from '../refusal.js'
import { AmqpBodyValue, type AmqpMessage, type WritableAmqpMessage } from './message-format.js'
import { CBS_ADDRESS } from './address.js'
import type { AmqpId } from './value.js'

/** A token put to `$cbs`. Source: AMQP claims-based security 1.0, section 3. */
export interface PutToken {
  /** Echoed with its type in the answer. */
  readonly id: AmqpId
  readonly token: string
  /** What the client says the token is for; the token itself decides. */
  readonly audience: string
  /** Link that the answer should name. */
  readonly replyTo?: string | undefined
}

/** The answer to a {@link PutToken}. */
export interface PutTokenReply {
  readonly id: AmqpId
  /** As HTTP has it: 200, 400, 401, 404. */
  readonly status: number
  readonly description: string
}

/** The `type` of a shared access signature, as most clients send it. */
export const CBS_SAS_TYPE = 'servicebus.windows.net:sastoken'

const TYPES: ReadonlySet<string> = new Set([CBS_SAS_TYPE, 'azure-devices.net:sastoken', 'jwt'])

/** A put-token request as a message. */
export function putTokenToAmqp(request: PutToken): WritableAmqpMessage {
  return {
    message_id: request.id,
    to: CBS_ADDRESS,
    reply_to: request.replyTo ?? 'cbs',
    application_properties: { operation: 'put-token', type: CBS_SAS_TYPE, name: request.audience },
    body: new AmqpBodyValue(request.token),
  }
}

/** Reads a put-token request. */
export function putTokenFromAmqp(message: AmqpMessage): PutToken | Refusal {
  const properties = message.application_properties ?? {}
  const { operation, type, name } = properties
  if (operation !== 'put-token') return new Refusal('the operation is not put-token', 0)
  if (typeof type !== 'string' || !TYPES.has(type.toLowerCase()))
    return new Refusal('the type of token is not known', 0)
  if (message.message_id === undefined) return new Refusal('the message id is missing', 0)
  if (typeof message.body !== 'string') return new Refusal('the body is not a string', 0)
  return {
    id: message.message_id,
    token: message.body,
    audience: typeof name === 'string' ? name : '',
    ...(message.reply_to === undefined ? {} : { replyTo: message.reply_to }),
  }
}

/** The answer as a message. */
export function putTokenReplyToAmqp(reply: PutTokenReply): WritableAmqpMessage {
  return {
    correlation_id: reply.id,
    application_properties: { 'status-code': reply.status, 'status-description': reply.description },
  }
}

/** Reads an answer. */
export function putTokenReplyFromAmqp(message: AmqpMessage): PutTokenReply | Refusal {
  const status = Number(message.application_properties?.['status-code'])
  if (message.correlation_id === undefined) return new Refusal('the correlation id is missing', 0)
  if (!Number.isInteger(status)) return new Refusal('the status code is not a number', 0)
  const description = message.application_properties?.['status-description']
  return { id: message.correlation_id, status, description: typeof description === 'string' ? description : '' }
}
