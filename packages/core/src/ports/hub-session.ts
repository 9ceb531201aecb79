import type { EdgewrightError } from '../errors.js'
import type { Identity } from '../identity.js'
import type { Message } from '../message.js'
import type { MethodRequest, MethodResponse } from '../method.js'
import type { Twin, TwinPatch } from '../twin.js'
import type { JsonObject } from '../json.js'
import type { Authenticator } from './authenticator.js'

/** What a client asks to be given without asking again. */
export type Subscription = 'inputs' | 'commands' | 'desired' | 'methods'

/** How a client settled a delivery. */
export type Settlement =
  /** Done. */
  | 'completed'
  /** Give it again. */
  | 'abandoned'
  /** Never give it again. */
  | 'rejected'

/** A message on its way to a client that must say what became of it. */
export interface ClientDelivery {
  readonly message: Message
  /** The module input it is for; absent for a cloud-to-device message. */
  readonly input?: string | undefined
  readonly redelivered: boolean
  /** To be called once; later calls do nothing. */
  settle(settlement: Settlement): void
}

/** Why a session ended. */
export type SessionEnd =
  | { readonly kind: 'client-left' }
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'credentials-expired' }
  | { readonly kind: 'identity-disabled' }
  | { readonly kind: 'hub-stopping' }
  | { readonly kind: 'protocol-error'; readonly detail: string }

/** What a front-end gives the hub: the other direction of a session. None of these may throw. */
export interface ClientPeer {
  /** How the client is connected, for the log: `mqtt`, `amqp-ws`, … */
  readonly transport: string
  /** Hands over messages; the hub keeps the window, the peer calls `settle` on each. */
  deliver(deliveries: readonly ClientDelivery[]): void
  /** A change of desired properties; `null` values are kept. */
  desired(patch: TwinPatch): void
  /** A method call. Rejects when the client goes away; the hub keeps the time-out. */
  method(request: MethodRequest, signal: AbortSignal): Promise<MethodResponse>
  /** Ends the connection, or what of it belongs to this session. */
  close(end: SessionEnd): void
}

/** A message that was not taken. */
export interface SendRefusal {
  /** Its place in the batch. */
  readonly index: number
  readonly error: EdgewrightError
}

/**
 * What a front-end holds for one authenticated client.
 *
 * The sender of every message is this session's identity, whatever the message says.
 */
export interface HubSession {
  readonly identity: Identity
  /**
   * Routes and stores messages, in order. Resolves when every one of them is durable in every queue that should have
   * it, or refused; so acknowledge after this and not before. Messages that share their property objects are taken to
   * have the same properties, and cost less.
   *
   * @returns the refused ones; empty when all were taken
   */
  send(batch: readonly Message[]): Promise<readonly SendRefusal[]>
  subscribe(subscription: Subscription): Promise<void>
  unsubscribe(subscription: Subscription): Promise<void>
  /** @throws `TWIN_UNAVAILABLE` when the twin was never seen and the cloud cannot be reached. */
  getTwin(signal?: AbortSignal): Promise<Twin>
  /** @returns the new version of the reported properties, when it is known already. */
  report(patch: JsonObject): Promise<number | undefined>
  /** The client has left, or must leave. Safe to repeat. */
  close(end: SessionEnd): void
}

/** How a session begins. */
export interface SessionOptions {
  readonly identity: Identity
  readonly peer: ClientPeer
  /** Milliseconds since 1970 when the client's credentials lapse. */
  readonly expiresAt?: number | undefined
  /** Whether subscriptions are kept for the client's next session, and restored from its last. */
  readonly persistent: boolean
  readonly modelId?: string | undefined
  readonly productInfo?: string | undefined
  /** The client has left, so there is no need to go on waiting. */
  readonly signal?: AbortSignal | undefined
}

/** What {@link SessionHost.openSession} gives. */
export interface OpenedSession {
  readonly session: HubSession
  /** Subscriptions restored from the client's last persistent session. */
  readonly restored: ReadonlySet<Subscription>
}

/** What front-ends need of the hub. */
export interface SessionHost extends Authenticator {
  /**
   * Opens a session for an identity that was authenticated. An older session of the same identity is taken over; where
   * clients take one from another again and again, the newer one may have to wait.
   *
   * @throws `CLIENT_LIMIT` when too many clients are connected; `NOT_RUNNING`; the signal's reason
   */
  openSession(options: SessionOptions): Promise<OpenedSession>
}
