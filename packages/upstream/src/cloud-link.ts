import type { CloudHandlers, DeliveryOutcome, Identity, JsonObject, Message, Twin } from '@edgewright/core'

/** One way to the hub that is up. Dead for good after its first loss; whoever needs another opens another. */
export interface CloudLink {
  /** Resolves with the reason when the link is gone, however that came about. */
  readonly lost: Promise<Error>
  /** The part of one identity; asked for once per identity and link. */
  channel(identity: Identity): IdentityChannel
  /** Ends it in good order, in bounded time. */
  close(): Promise<void>
}

/** One identity's part of one link. Opens what it needs on demand, closes it when idle. Errors as `CloudSession`. */
export interface IdentityChannel {
  send(batch: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]>
  getTwin(signal?: AbortSignal): Promise<Twin>
  report(patch: JsonObject, signal?: AbortSignal): Promise<number>
  handle(handlers: CloudHandlers): void
  close(): Promise<void>
}

/**
 * Opens a link.
 *
 * @throws whatever keeps it from opening, or the signal's reason
 */
export type LinkOpener = (signal: AbortSignal) => Promise<CloudLink>

/** Whether there is anything to listen for. */
export function listens(handlers: CloudHandlers): boolean {
  return handlers.desired !== undefined || handlers.method !== undefined || handlers.command !== undefined
}
