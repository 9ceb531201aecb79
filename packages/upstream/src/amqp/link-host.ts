import type { EdgewrightError, Identity, Logger } from '@edgewright/core'
import type { AmqpLinkKind } from '@edgewright/protocol'
import type { LinkOptions, Receiver, Sender } from 'rhea'
import type { AmqpConnection } from './connection.js'

/** Told once when the peer closes a link that was attached. */
export type OnLinkClosed = (error: EdgewrightError) => void

/** What the links of one identity stand on. */
export interface LinkHost {
  readonly identity: Identity
  readonly connection: AmqpConnection
  readonly logger: Logger
  /** Aborted when the session ends, with the reason. */
  readonly ended: AbortSignal
  /** @throws as `CloudSession` */
  attachSender(kind: AmqpLinkKind, options: LinkOptions, onClosed: OnLinkClosed): Promise<Sender>
  /** Grants no credit of its own accord. @throws as `CloudSession` */
  attachReceiver(kind: AmqpLinkKind, options: LinkOptions, onClosed: OnLinkClosed): Promise<Receiver>
  /** Waits for the peer, not for ever; the session ends when it does not answer. */
  timed<T>(what: string, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T>
}

/** Closes a link in good order; its `onClosed` is not called for that. */
export function detach(link: Sender | Receiver): void {
  link.removeAllListeners(link.is_receiver() ? 'receiver_close' : 'sender_close')
  link.close()
}
