import type { Logger } from '@edgewright/core'
import {
  type AmqpMessage,
  CBS_ADDRESS,
  encodeAmqpMessage,
  type PutToken,
  type PutTokenReply,
  putTokenFromAmqp,
  putTokenReplyToAmqp,
  Refusal,
} from '@edgewright/protocol'
import type { Authority } from '../state/authority.js'
import type { AmqpConnection } from './connection.js'
import type { IncomingDelivery } from './incoming-link.js'
import type { LinkService } from './links.js'
import type { OutgoingLink } from './outgoing-link.js'
import type { Session } from './rhea.js'

/** What the `$cbs` node works with. */
export interface CbsOptions {
  readonly authority: Authority
  readonly logger: Logger
}

const MAX_WAITING_REPLIES = 256

/**
 * Claims-based security: tokens are judged when they are put, and a token put again is a renewal. Replies go to the
 * receiver of the same session, which may be attached before or after the request comes.
 */
export function cbsService(options: CbsOptions): LinkService {
  const replies = new WeakMap<Session, Replies>()
  const repliesOf = (session: Session) => {
    let found = replies.get(session)
    if (found === undefined) replies.set(session, (found = new Replies()))
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
      return { ready: () => waiting.flush(link), closed: () => waiting.detached(link) }
    },
  }
}

/** Replies of one session, kept until its receiver has credit. */
class Replies {
  readonly #waiting: PutTokenReply[] = []
  #link: OutgoingLink | undefined

  push(reply: PutTokenReply): void {
    this.#waiting.push(reply)
    if (this.#waiting.length > MAX_WAITING_REPLIES) this.#waiting.shift()
    if (this.#link !== undefined) this.flush(this.#link)
  }

  flush(link: OutgoingLink): void {
    this.#link = link
    while (link.room > 0) {
      const reply = this.#waiting.shift()
      if (reply === undefined) return
      link.send(encodeAmqpMessage(putTokenReplyToAmqp(reply)))
    }
  }

  detached(link: OutgoingLink): void {
    if (this.#link === link) this.#link = undefined
  }
}

function isCbs(path: string): boolean {
  return path.slice(1).toLowerCase() === CBS_ADDRESS
}

function put(delivery: IncomingDelivery, connection: AmqpConnection, replies: Replies, options: CbsOptions): void {
  for (const message of delivery.messages) {
    const request = putTokenFromAmqp(message)
    if (request instanceof Refusal) replies.push({ id: requestId(message), status: 400, description: request.reason })
    else replies.push({ id: request.id, ...judge(request, connection, options) })
  }
  delivery.accept()
}

function requestId(message: AmqpMessage) {
  return message.message_id ?? ''
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
