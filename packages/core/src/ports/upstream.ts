import type { Identity } from '../identity.js'
import type { JsonObject } from '../json.js'
import type { Startable } from '../lifecycle.js'
import type { Message } from '../message.js'
import type { MethodRequest, MethodResponse } from '../method.js'
import type { Twin, TwinPatch } from '../twin.js'
import type { DeliveryOutcome } from './endpoint.js'
import type { Settlement } from './hub-session.js'

/** Whether the cloud can be reached, and why not. */
export type Connectivity =
  | { readonly type: 'online'; readonly since: number; readonly reason?: undefined }
  | { readonly type: 'offline'; readonly since: number; readonly reason: string }

/** A cloud-to-device message that waits for its settlement. */
export interface CloudDelivery {
  readonly message: Message
  settle(settlement: Settlement): void
}

/** What the cloud sends to one identity of its own accord. Only what has a handler is subscribed. */
export interface CloudHandlers {
  readonly desired?: ((patch: TwinPatch) => void) | undefined
  readonly method?: ((request: MethodRequest, signal: AbortSignal) => Promise<MethodResponse>) | undefined
  readonly command?: ((delivery: CloudDelivery) => void) | undefined
  /**
   * Called each time listening has begun, again after every gap: whatever happens from now on is told. What changed
   * before is not, so this is the moment to read the twin.
   */
  readonly listening?: (() => void) | undefined
}

/**
 * One identity's part of the link. Cheap to hold: what it needs on the wire is opened on demand and closed when idle.
 *
 * Errors: `UPSTREAM_OFFLINE`, `UPSTREAM_UNAUTHORIZED` (this identity only), `UPSTREAM_THROTTLED`, `UPSTREAM_REFUSED`.
 */
export interface CloudSession {
  readonly identity: Identity
  /** Sends in order; an outcome for each, in the same order. Never throws for what an outcome can say. */
  send(batch: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]>
  getTwin(signal?: AbortSignal): Promise<Twin>
  /** @returns the new version of the reported properties */
  report(patch: JsonObject, signal?: AbortSignal): Promise<number>
  /** Replaces what is subscribed; kept over reconnects until changed. */
  handle(handlers: CloudHandlers): void
  close(): Promise<void>
}

/** When what happens is reported. */
export interface UpstreamEvents {
  /** The link went up or down. */
  connectivity: [Connectivity]
}

/** The cloud, whichever it is: many identities over one shared link that opens and mends itself. */
export interface Upstream extends Startable {
  readonly connectivity: Connectivity
  on(event: 'connectivity', listener: (connectivity: Connectivity) => void): unknown
  off(event: 'connectivity', listener: (connectivity: Connectivity) => void): unknown
  /** The session of an identity; the same one each time until it is closed. */
  session(identity: Identity): CloudSession
}
