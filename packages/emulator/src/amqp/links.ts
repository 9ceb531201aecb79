import type { Identity } from '@edgewright/core'
import type { Principal } from '../state/authority.js'
import type { AmqpConnection } from './connection.js'
import type { IncomingDelivery } from './incoming-link.js'
import type { OutgoingLink } from './outgoing-link.js'
import type { Receiver, Sender, Session } from './rhea.js'

interface Attach {
  readonly connection: AmqpConnection
  readonly session: Session
  /** The address as it came. */
  readonly address: string
  /** Path of the address, percent-encoded as it came, beginning with `/`; of a full URI only the path. */
  readonly path: string
  /** Properties of the peer's attach. */
  readonly properties: Readonly<Record<string, unknown>>
}

/** A client asks to send to the hub. */
export interface IncomingAttach extends Attach {
  readonly direction: 'to-hub'
  readonly receiver: Receiver
}

/** A client asks to be sent to. */
export interface OutgoingAttach extends Attach {
  readonly direction: 'to-client'
  readonly sender: Sender
  /** Only to be used after the service has returned. */
  readonly link: OutgoingLink
}

interface Endpoint {
  /** Whose link it is; it goes when the hub parts from the identity. */
  readonly identity?: Identity | undefined
  /** On whose word it was opened; it goes when that lapses. */
  readonly principal?: Principal | undefined
  /** The link is gone, by whoever's doing; nothing may be sent on it any more. */
  closed?(): void
}

/** What takes what a client sends. */
export interface IncomingEndpoint extends Endpoint {
  take(delivery: IncomingDelivery): void
  /** Messages the client may have under way. @default 500 */
  readonly window?: number
}

/** What fills a link to a client. */
export interface OutgoingEndpoint extends Endpoint {
  /** There may be room on the link: the moment to send what waits. */
  ready(): void
}

/** One kind of address. Throws a `HubError` to refuse a link, returns undefined when the address is not its business. */
export interface LinkService {
  incoming?(attach: IncomingAttach): IncomingEndpoint | undefined
  outgoing?(attach: OutgoingAttach): OutgoingEndpoint | undefined
}
