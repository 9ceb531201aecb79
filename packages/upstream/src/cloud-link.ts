import type { CloudHandlers, DeliveryOutcome, Identity, JsonObject, Message, Twin } from '@edgewright/core'
import type { IdentityChannel } from './identity-channel.js'

/** One way to the hub that is up. Dead for good after its first loss; whoever needs another opens another. */
export interface CloudLink {
  /** Resolves with the reason when the link is gone, however that came about. */
  readonly lost: Promise<Error>
  /** The part of one identity; asked for once per identity and link. */
  channel(identity: Identity): IdentityChannel
  /** Ends it in good order, in bounded time: what was sent gets its outcome first. */
  close(): Promise<void>
}

/** One identity that the hub has let in, for as long as that holds. Errors as `CloudSession`. */
export interface IdentitySession {
  /** Aborted, with the reason, when it takes nothing more; what is under way goes on. */
  readonly retired: AbortSignal
  /** Aborted, with the reason, when it is gone. Until then the identity may not have another. */
  readonly ended: AbortSignal
  send(messages: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]>
  getTwin(signal?: AbortSignal): Promise<Twin>
  report(patch: JsonObject, signal?: AbortSignal): Promise<number>
  /**
   * Listens for what has a handler, and for nothing else.
   *
   * @param onDeaf - what was listened to is gone, although the session is not
   */
  serve(handlers: CloudHandlers, onDeaf: () => void): Promise<void>
  /** Ends it in good order. */
  close(): void
}

/** Whether there is anything to listen for. */
export function listens(handlers: CloudHandlers): boolean {
  return handlers.desired !== undefined || handlers.method !== undefined || handlers.command !== undefined
}
