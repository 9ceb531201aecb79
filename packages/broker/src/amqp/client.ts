import {
  type ClientDelivery,
  type ClientPeer,
  type Clock,
  EdgewrightError,
  type HubSession,
  type Identity,
  type Logger,
  type MethodRequest,
  type MethodResponse,
  type SessionEnd,
  type SessionHost,
  type TwinPatch,
} from '@edgewright/core'
import { AMQP_CONDITION } from '@edgewright/protocol'
import { PendingMethods } from '../pending-methods.js'
import { type ClientLink, type IncomingRole, type LinkRole, type OutgoingRole, PARTNERS } from './client-link.js'
import { DeliveryLink } from './delivery-link.js'
import type { NormalAmqpLimits } from './limits.js'
import { endError, LinkRefusal, linkError } from './link-error.js'
import { MethodAnswerLink, MethodCallLink } from './method-links.js'
import type { AmqpError, Link, Receiver, Sender } from './rhea.js'
import { type InFlight, TelemetryLink } from './telemetry-link.js'
import { desiredNotice, TwinNoticeLink, TwinRequestLink } from './twin-links.js'

/** What the clients of a connection share. */
export interface ClientShare {
  readonly host: SessionHost
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: NormalAmqpLimits
  readonly transport: string
  readonly inFlight: InFlight
  readonly isCongested: () => boolean
  /** Resolves when the connection may act as an identity. @throws LinkRefusal */
  readonly authorise: (identity: Identity) => Promise<void>
  /** The peer broke a rule that ends its connection. */
  readonly onViolation: (reason: string) => void
  /** What the connection has proven of an identity counts no more. */
  readonly onRevoked: (identity: Identity) => void
  /** The last link of a client is gone. */
  readonly onLeft: (client: AmqpClient) => void
}

/** What the attach of a link says beside its address. */
export interface AttachFacts {
  readonly correlation: string | undefined
  readonly modelId: string | undefined
  readonly productInfo: string | undefined
}

/** One identity on one connection: its session of the hub, and the links through which it is used. */
export class AmqpClient implements ClientPeer {
  readonly identity: Identity
  readonly transport: string
  readonly #share: ClientShare
  readonly #links = new Map<LinkRole, ClientLink>()
  readonly #methods: PendingMethods
  #opening: Promise<HubSession> | undefined
  /** Only while the session is being opened: most clients are idle, and many. */
  #waiting: AbortController | undefined
  #session: HubSession | undefined
  /** Answers that were ready before the link for them was attached. */
  #notices: Buffer[] = []
  #hasEnded = false

  constructor(identity: Identity, share: ClientShare) {
    this.identity = identity
    this.transport = share.transport
    this.#share = share
    this.#methods = new PendingMethods(share.limits.maxMethods)
  }

  /** A link on which the client sends. */
  attachIncoming(role: IncomingRole, receiver: Receiver, facts: AttachFacts): void {
    this.#attach(role, this.#incomingLink(role, receiver, facts.correlation), facts)
  }

  /** A link on which the client is sent to. */
  attachOutgoing(role: OutgoingRole, sender: Sender, facts: AttachFacts): void {
    const link = this.#outgoingLink(role, sender, facts.correlation)
    this.#attach(role, link, facts)
    if (link instanceof TwinNoticeLink) for (const notice of this.#notices.splice(0)) link.push(notice)
  }

  /** The peer has closed a link. */
  detached(link: Link): void {
    for (const [role, { link: known }] of this.#links) if (known === link) this.#forget(role)
  }

  /** The connection takes more again. */
  pump(): void {
    for (const link of this.#links.values()) link.pump?.()
  }

  /** All frames of a chunk were read. @returns messages handed on */
  commit(): number {
    let messages = 0
    for (const link of this.#links.values()) messages += link.commit?.() ?? 0
    return messages
  }

  /** The connection is gone, and the links with it. */
  lost(end: SessionEnd = { kind: 'client-left' }): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const link of this.#links.values()) link.close(this.#session)
    this.#links.clear()
    this.#leave(end)
  }

  /** Closes every link of this client with an error, and leaves the hub. */
  end(end: SessionEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const error = endError(end)
    for (const role of [...this.#links.keys()]) this.#closeLink(role, error)
    this.#leave(end)
  }

  deliver(deliveries: readonly ClientDelivery[]): void {
    for (const delivery of deliveries) {
      const link = this.#links.get(delivery.input === undefined ? 'commands' : 'inputs')
      if (link instanceof DeliveryLink) link.deliver([delivery])
      else delivery.settle('abandoned')
    }
  }

  desired(patch: TwinPatch): void {
    const link = this.#links.get('twin-notices')
    if (link instanceof TwinNoticeLink) link.push(desiredNotice(patch))
  }

  method(request: MethodRequest, signal: AbortSignal): Promise<MethodResponse> {
    const link = this.#links.get('method-calls')
    if (link instanceof MethodCallLink) return link.call(request, signal)
    return Promise.reject(noClient())
  }

  close(end: SessionEnd): void {
    if (end.kind === 'identity-disabled') this.#share.onRevoked(this.identity)
    this.end(end)
  }

  #incomingLink(role: IncomingRole, receiver: Receiver, correlation: string | undefined): ClientLink {
    const { limits, clock, logger, inFlight, onViolation } = this.#share
    const requests = { window: limits.maxRequests, onViolation }
    switch (role) {
      case 'telemetry':
        return new TelemetryLink(receiver, inFlight, { window: limits.telemetryWindow, onViolation })
      case 'twin-requests': {
        const notices = { push: (notice: Buffer) => this.#notify(notice) }
        return new TwinRequestLink(receiver, notices, { correlation, clock, logger }, requests)
      }
      case 'method-answers':
        return new MethodAnswerLink(receiver, correlation, this.#methods, requests)
    }
  }

  #outgoingLink(role: OutgoingRole, sender: Sender, correlation: string | undefined): ClientLink {
    const { limits, isCongested } = this.#share
    const options = { window: limits.outboundWindow, maxWaiting: limits.maxWaiting, isCongested }
    switch (role) {
      case 'inputs':
      case 'commands':
        return new DeliveryLink(sender, this.identity, role, options)
      case 'twin-notices':
        return new TwinNoticeLink(sender, correlation, options, () => this.#closeLink(role, OVERFLOW))
      case 'method-calls':
        return new MethodCallLink(sender, correlation, this.#methods, options)
    }
  }

  #attach(role: LinkRole, link: ClientLink, facts: AttachFacts): void {
    const partner = PARTNERS[role]
    const isForeign = partner !== undefined && this.#links.get(partner)?.correlation !== link.correlation
    const older = this.#links.get(role)
    this.#links.set(role, link)
    if (older !== undefined) this.#release(older, STOLEN)
    if (partner !== undefined && isForeign) this.#closeLink(partner, STOLEN)
    const isCurrent = () => this.#links.get(role) === link
    this.#open(facts).then(
      session => isCurrent() && link.open(session),
      error => isCurrent() && this.#closeLink(role, linkError(error)),
    )
  }

  #open({ modelId, productInfo }: AttachFacts): Promise<HubSession> {
    this.#opening ??= this.#openSession(modelId, productInfo)
    return this.#opening
  }

  /** Expiry is not told to the hub, because tokens are renewed on the open connection, which sees to it. */
  async #openSession(modelId: string | undefined, productInfo: string | undefined): Promise<HubSession> {
    const { identity } = this
    await this.#share.authorise(identity)
    this.#waiting = new AbortController()
    const { signal } = this.#waiting
    const options = { identity, peer: this, persistent: false, modelId, productInfo, signal }
    const { session } = await this.#share.host.openSession(options)
    this.#waiting = undefined
    if (this.#hasEnded) {
      session.close({ kind: 'client-left' })
      throw new LinkRefusal(AMQP_CONDITION.detachForced, 'The client has left')
    }
    this.#session = session
    return session
  }

  #notify(notice: Buffer): void {
    const link = this.#links.get('twin-notices')
    if (link instanceof TwinNoticeLink) link.push(notice)
    else if (this.#notices.length < this.#share.limits.maxWaiting) this.#notices.push(notice)
  }

  #closeLink(role: LinkRole, error: AmqpError): void {
    const link = this.#links.get(role)
    if (link === undefined) return
    this.#links.delete(role)
    this.#release(link, error)
    this.#checkLeft()
  }

  #release(link: ClientLink, error: AmqpError): void {
    link.link.close(error)
    link.close(this.#session)
  }

  #forget(role: LinkRole): void {
    const link = this.#links.get(role)
    this.#links.delete(role)
    link?.close(this.#session)
    this.#checkLeft()
  }

  #checkLeft(): void {
    if (this.#links.size > 0 || this.#hasEnded) return
    this.#hasEnded = true
    this.#leave({ kind: 'client-left' })
  }

  #leave(end: SessionEnd): void {
    this.#methods.rejectAll(noClient())
    this.#waiting?.abort(noClient())
    this.#session?.close(end)
    this.#share.onLeft(this)
  }
}

const STOLEN: AmqpError = { condition: AMQP_CONDITION.stolen, description: 'A newer link took over' }
const OVERFLOW: AmqpError = {
  condition: AMQP_CONDITION.resourceLimitExceeded,
  description: 'Too much waits for link credit',
}

function noClient(): EdgewrightError {
  return new EdgewrightError('METHOD_NO_CLIENT', 'The client has left')
}
