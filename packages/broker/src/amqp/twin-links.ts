import { randomUUID } from 'node:crypto'
import type { Clock, HubSession, Logger, TwinPatch } from '@edgewright/core'
import {
  AMQP_CONDITION,
  type AmqpId,
  type AmqpTwinNotice,
  type AmqpTwinRequest,
  encodeAmqpMessage,
  Refusal,
  twinNoticeToAmqp,
  twinRequestFromAmqp,
} from '@edgewright/protocol'
import {
  formatDesired,
  formatFailure,
  formatTwin,
  readPatch,
  type TwinFailure,
  twinFailure,
} from '../control-bodies.js'
import type { ClientLink } from './client-link.js'
import { IncomingLink, type IncomingLinkOptions, type IncomingTransfer } from './incoming-link.js'
import { OutgoingLink, type OutgoingLinkOptions } from './outgoing-link.js'
import type { Receiver, Sender } from './rhea.js'

/** Answers and changes of the twin on their way to a client, whether its link for them is attached yet or not. */
export interface TwinNotices {
  push(notice: Buffer): void
}

/** What twin links work with. */
export interface TwinLinkOptions {
  readonly correlation: string | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** Takes a client's twin requests. Source: wire reference, section 3.7. */
export class TwinRequestLink implements ClientLink {
  readonly link: Receiver
  readonly correlation: string | undefined
  readonly #incoming: IncomingLink
  readonly #notices: TwinNotices
  readonly #options: TwinLinkOptions
  #session: HubSession | undefined

  constructor(
    link: Receiver,
    notices: TwinNotices,
    options: TwinLinkOptions,
    incoming: Omit<IncomingLinkOptions, 'take'>,
  ) {
    this.link = link
    this.correlation = options.correlation
    this.#notices = notices
    this.#options = options
    this.#incoming = new IncomingLink(link, { ...incoming, take: transfer => this.#take(transfer) })
  }

  open(session: HubSession): void {
    this.#session = session
    this.#incoming.open()
  }

  close(): void {
    this.#session = undefined
  }

  #take(transfer: IncomingTransfer) {
    const session = this.#session
    if (session === undefined) return
    const requests = transfer.messages.map(twinRequestFromAmqp)
    const refusal = requests.find(request => request instanceof Refusal)
    if (refusal instanceof Refusal) return transfer.reject(AMQP_CONDITION.argumentError, refusal.reason)
    const answers = (requests as AmqpTwinRequest[]).map(request => this.#answer(request, session))
    // Settled with the last answer, so that the window bounds what is asked at once.
    void Promise.all(answers).then(() => transfer.accept())
  }

  async #answer(request: AmqpTwinRequest, session: HubSession): Promise<void> {
    try {
      this.#push(await this.#respond(request, session))
    } catch (error) {
      this.#push(this.#failed(request.id, twinFailure(error)))
    }
  }

  async #respond({ id, operation, body }: AmqpTwinRequest, session: HubSession): Promise<AmqpTwinNotice> {
    const done = { kind: 'response', id, status: 200, body: NOTHING } as const
    switch (operation) {
      case 'get':
        return { ...done, body: Buffer.from(formatTwin(await session.getTwin())) }
      case 'patch': {
        const reported = readPatch(Buffer.from(body))
        if (reported.kind === 'failure') return this.#failed(id, reported)
        return { ...done, status: 204, version: await session.report(reported.patch) }
      }
      case 'subscribe':
        await session.subscribe('desired')
        return done
      case 'unsubscribe':
        await session.unsubscribe('desired')
        return done
    }
  }

  #failed(id: AmqpId, failure: TwinFailure): AmqpTwinNotice {
    const trackingId = randomUUID()
    const { clock, logger } = this.#options
    logger.log('info', 'twin request failed', { trackingId, reason: failure.message })
    const body = Buffer.from(formatFailure(failure, trackingId, clock.now()))
    return { kind: 'response', id, status: failure.status, body }
  }

  #push(notice: AmqpTwinNotice): void {
    this.#notices.push(encodeAmqpMessage(twinNoticeToAmqp(notice)))
  }
}

/** Carries answers and desired changes to a client. */
export class TwinNoticeLink implements ClientLink, TwinNotices {
  readonly link: Sender
  readonly correlation: string | undefined
  readonly #outgoing: OutgoingLink
  readonly #maxWaiting: number
  readonly #onOverflow: () => void

  /** @param onOverflow - the client gives too little credit for what waits */
  constructor(
    link: Sender,
    correlation: string | undefined,
    options: OutgoingLinkOptions & { readonly maxWaiting: number },
    onOverflow: () => void,
  ) {
    this.link = link
    this.correlation = correlation
    this.#outgoing = new OutgoingLink(link, options)
    this.#maxWaiting = options.maxWaiting
    this.#onOverflow = onOverflow
  }

  open(): void {
    this.#outgoing.open()
  }

  close(session: HubSession | undefined): void {
    this.#outgoing.close()
    void session?.unsubscribe('desired').catch(() => undefined)
  }

  pump(): void {
    this.#outgoing.pump()
  }

  push(notice: Buffer): void {
    if (this.#outgoing.waiting >= this.#maxWaiting) this.#onOverflow()
    else this.#outgoing.send({ encode: () => notice })
  }
}

/** A change of desired properties as a message. */
export function desiredNotice(patch: TwinPatch): Buffer {
  const body = Buffer.from(formatDesired(patch))
  return encodeAmqpMessage(twinNoticeToAmqp({ kind: 'desired', version: patch.version, body }))
}

const NOTHING = Buffer.alloc(0)
