import type { Identity } from '../identity.js'
import type { Message } from '../message.js'

/** What became of one message handed to an endpoint. */
export type DeliveryOutcome =
  /** It has arrived: forget it. */
  | { readonly kind: 'accepted' }
  /** Not now: give it again, in its turn. */
  | { readonly kind: 'retry'; readonly reason: string }
  /** Never: park it with the reason. */
  | { readonly kind: 'reject'; readonly reason: string }

/** The outcome of a message that has arrived: shared. */
export const ACCEPTED: DeliveryOutcome = Object.freeze({ kind: 'accepted' })

/** Not now, because of this. */
export function retry(reason: string): DeliveryOutcome {
  return { kind: 'retry', reason }
}

/** Never, because of this. */
export function reject(reason: string): DeliveryOutcome {
  return { kind: 'reject', reason }
}

/** A message out of its queue. */
export interface QueuedMessage {
  readonly message: Message
  /** Who sent it, from the authenticated session it came in by. */
  readonly sender: Identity
  /** True when it may have been delivered before. */
  readonly redelivered: boolean
}

/**
 * Takes messages out of a queue. Ours are module inputs and the cloud; an integrator's is any handler.
 *
 * The pump calls with the messages of one lane (for the cloud: of one sender) in order and never twice at once for the
 * same lane; it gives the rest of a lane again from the first message whose outcome is `retry`.
 */
export interface Endpoint {
  /** Stable: it names the queue that outlives restarts. */
  readonly id: string
  /**
   * @returns an outcome for each message, in the same order
   * @throws anything, which counts as `retry` for all of them
   */
  deliver(batch: readonly QueuedMessage[], signal: AbortSignal): Promise<readonly DeliveryOutcome[]>
}
