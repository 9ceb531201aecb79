import { describeError, EdgewrightError, type SessionEnd } from '@edgewright/core'
import { AMQP_CONDITION } from '@edgewright/protocol'
import type { AmqpError } from './rhea.js'

/** A link or message that is refused, with the condition the peer is told. */
export class LinkRefusal extends Error {
  constructor(
    readonly condition: string,
    description: string,
  ) {
    super(description)
  }
}

/** What the peer is told about an error. Source: wire reference, section 3.9. */
export function linkError(error: unknown): AmqpError {
  if (error instanceof LinkRefusal) return { condition: error.condition, description: error.message }
  const condition = EdgewrightError.is(error) ? CONDITION_BY_CODE[error.code] : undefined
  return condition === undefined
    ? { condition: AMQP_CONDITION.internalError, description: 'Internal error' }
    : { condition, description: describeError(error) }
}

/** What the links of a session are told when it ends. */
export function endError(end: SessionEnd): AmqpError {
  return END_ERRORS[end.kind]
}

const CONDITION_BY_CODE: Readonly<Record<string, string>> = {
  CLIENT_LIMIT: AMQP_CONDITION.resourceLimitExceeded,
  MESSAGE_TOO_LARGE: AMQP_CONDITION.messageSizeExceeded,
  STORE_FULL: AMQP_CONDITION.throttled,
  NOT_RUNNING: AMQP_CONDITION.detachForced,
  SESSION_ENDED: AMQP_CONDITION.detachForced,
}

const END_ERRORS: Readonly<Record<SessionEnd['kind'], AmqpError>> = {
  'client-left': { condition: AMQP_CONDITION.detachForced, description: 'The client has left' },
  'taken-over': { condition: AMQP_CONDITION.detachForced, description: 'A newer connection of the client took over' },
  'credentials-expired': { condition: AMQP_CONDITION.unauthorized, description: 'The token has expired' },
  'identity-disabled': { condition: AMQP_CONDITION.unauthorized, description: 'Unauthorized' },
  'hub-stopping': { condition: AMQP_CONDITION.detachForced, description: 'The gateway is stopping' },
  'protocol-error': { condition: AMQP_CONDITION.notAllowed, description: 'Not allowed' },
}
