import type { Identity, IdentityRecord } from '../identity.js'

/** What a client shows to prove who it is. */
export type Credentials =
  | {
      readonly kind: 'sas'
      readonly identity: Identity
      /** The whole token, `SharedAccessSignature sr=…`. */
      readonly token: string
      /** Address of the peer, for throttling and the log. */
      readonly peer?: string | undefined
    }
  | {
      readonly kind: 'certificate'
      readonly identity: Identity
      /** The certificate the peer showed in the TLS handshake, DER. */
      readonly certificate: Uint8Array
      /** What the peer showed with it to lead to an authority, DER, the next issuer first. @default none */
      readonly issuers?: readonly Uint8Array[] | undefined
      readonly peer?: string | undefined
    }

/** Why credentials were refused. For the log and for metrics; never for the wire. */
export type AuthenticationRefusal =
  | 'malformed'
  | 'unknown-identity'
  | 'disabled'
  | 'expired'
  | 'wrong-audience'
  | 'wrong-signature'
  | 'wrong-kind'
  | 'throttled'
  | 'unavailable'

/** The verdict on credentials. */
export type Authentication =
  | {
      readonly accepted: true
      readonly identity: Identity
      /** Milliseconds since 1970 when the credentials lapse; absent: never. */
      readonly expiresAt?: number | undefined
    }
  | { readonly accepted: false; readonly reason: AuthenticationRefusal; readonly detail: string }

/** Credentials in, identity or reason for refusal out. Answers at once when it knows, so that links need not wait. */
export interface Authenticator {
  authenticate(credentials: Credentials): Authentication | Promise<Authentication>
}

/** What is known about identities, here and now. */
export interface IdentityDirectory {
  /** The record, when it is known; says nothing about whether the cloud knows more. */
  find(identity: Identity): IdentityRecord | undefined
  /** Asks the cloud about one identity and keeps the answer; undefined when there is none or no link. */
  refresh(identity: Identity, signal?: AbortSignal): Promise<IdentityRecord | undefined>
}

/** Where a directory gets its records: the cloud's registry, as far as this gateway may see it. */
export interface IdentitySource {
  /** Everything in this gateway's scope: itself, its modules, its children. */
  list(signal?: AbortSignal): AsyncIterable<IdentityRecord>
  /** One identity; undefined when it does not exist or is not in scope. */
  get(identity: Identity, signal?: AbortSignal): Promise<IdentityRecord | undefined>
}
