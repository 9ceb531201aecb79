import type { Logger } from '@edgewright/core'
import {
  CBS_ADDRESS,
  encodeAmqpMessage,
  type PutToken,
  putTokenFromAmqp,
  putTokenReplyToAmqp,
  Refusal,
} from '@edgewright/protocol'
import type { Authority } from '../state/authority.js'
import type { AmqpConnection } from './connection.js'
import type { IncomingDelivery } from './incoming-link.js'
import type { LinkService } from './links.js'
import { Outbox } from './outbox.js'
import type { Session } from './rhea.js'

/** What the `$cbs` node works with. */
export interface CbsOptions {
  readonly authority: Authority
  readonly logger: Logger
}

/**
 * Claims-based security: tokens are judged when they are put, and a token put again is a renewal. Replies go to the
 * receiver of the same session, which may be attached before or after the request comes.
 */
export function cbsService(options: CbsOptions): LinkService {
  const replies = new WeakMap<Session, Outbox>()
  const repliesOf = (session: Session) => {
    let found = replies.get(session)
    if (found === undefined) replies.set(session, (found = new Outbox()))
    return found
  }
  return {
    incoming({ path, connection, session }) {
      if (!isCbs(path)) return undefined
      return { take: delivery => put(delivery, connection, repliesOf(session), options) }
    },
    outgoing({ path, link, session }) {
      if (!isCbs(path)) return undefined
      const waiting = repliesOf(session)
      return { ready: () => waiting.flush(link), closed: () => waiting.detach(link) }
    },
  }
}

function isCbs(path: string): boolean {
  return path.slice(1).toLowerCase() === CBS_ADDRESS
}

function put(delivery: IncomingDelivery, connection: AmqpConnection, replies: Outbox, options: CbsOptions): void {
  for (const message of delivery.messages) {
    const request = putTokenFromAmqp(message)
    const reply =
      request instanceof Refusal
        ? { id: message.message_id ?? '', status: 400, description: request.reason }
        : { id: request.id, ...judge(request, connection, options) }
    replies.push(encodeAmqpMessage(putTokenReplyToAmqp(reply)))
  }
  delivery.accept()
}

function judge({ token }: PutToken, connection: AmqpConnection, { authority, logger }: CbsOptions) {
  const principal = authority.token(token)
  if (principal.kind !== 'refused') {
    return connection.prove(principal)
      ? { status: 200, description: 'OK' }
      : { status: 503, description: 'Service Unavailable' }
  }
  const { reason, claimed } = principal
  logger.log('info', 'Token refused', { connection: connection.line.info.id, reason, claimed })
  return reason === 'malformed'
    ? { status: 400, description: 'Bad Request' }
    : { status: 401, description: 'Unauthorized' }
}
