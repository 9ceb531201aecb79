import type { Identity, Logger } from '@edgewright/core'
import type { AmqpLinkKind } from '@edgewright/protocol'
import type { LinkOptions, Receiver, Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'

/** What the links of one identity stand on. When the peer closes one of them, the session ends with all of them. */
export interface LinkHost {
  readonly identity: Identity
  readonly connection: AmqpConnection
  readonly logger: Logger
  /** Aborted when the session ends, with the reason. */
  readonly ended: AbortSignal
  /** @throws as `CloudSession` */
  attachSender(kind: AmqpLinkKind, options?: LinkOptions): Promise<Sender>
  /** Grants no credit of its own accord. @throws as `CloudSession` */
  attachReceiver(kind: AmqpLinkKind, options?: LinkOptions): Promise<Receiver>
  /** Closes a link in good order. */
  detach(link: Sender | Receiver): void
  /** Waits for the peer, not for ever. */
  timed<T>(what: string, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T>
}
