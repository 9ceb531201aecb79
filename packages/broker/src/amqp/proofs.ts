import {
  type Authentication,
  type AuthenticationRefusal,
  type Clock,
  type Credentials,
  describeError,
  type Identity,
  type IdentityKey,
  identityKey,
  type SessionHost,
  type Timer,
} from '@edgewright/core'
import { AMQP_CONDITION, parseSasAudience, parseSasToken, Refusal } from '@edgewright/protocol'
import { onExpiry } from '../login/expiry.js'
import { LinkRefusal } from './link-error.js'

/** What the proofs of a connection stand on. */
export interface ProofOptions {
  readonly host: SessionHost
  readonly clock: Clock
  /** Address of the peer. */
  readonly address: string
  /** The certificate of the TLS handshake, DER. */
  readonly certificate: Uint8Array | undefined
  /** What was shown with it, DER. */
  readonly issuers?: readonly Uint8Array[] | undefined
  /** Identities at once. */
  readonly maxIdentities: number
  /** The first credentials were good. */
  readonly onFirst: () => void
  readonly onExpired: (identity: Identity) => void
}

/** Credentials that are not good. */
export interface RefusedProof {
  readonly accepted: false
  readonly reason: AuthenticationRefusal
  readonly detail: string
}

/** Whom one connection has proven to be: by tokens put or given as password, or by its certificate. */
export class Proofs {
  readonly #options: ProofOptions
  readonly #proven = new Map<IdentityKey, Timer | undefined>()
  #isClosed = false

  constructor(options: ProofOptions) {
    this.#options = options
  }

  /** Judges a token, for the identity that it names; a good one replaces the last of its identity. */
  async putToken(text: string): Promise<RefusedProof | undefined> {
    const token = parseSasToken(text)
    if (token instanceof Refusal) return malformed(token.reason)
    const audience = parseSasAudience(token.resource)
    if (audience instanceof Refusal) return malformed(audience.reason)
    const { identity } = audience
    if (identity === undefined) return malformed('the token is not one of a device or module')
    return this.#judge({ kind: 'sas', identity, token: text, peer: this.#options.address })
  }

  /** Sees that the connection may act as an identity. @throws LinkRefusal */
  async require(identity: Identity): Promise<void> {
    if (this.#proven.has(identityKey(identity))) return
    const { certificate, issuers, address: peer } = this.#options
    if (certificate !== undefined) {
      const refused = await this.#judge({ kind: 'certificate', identity, certificate, issuers, peer })
      if (refused === undefined) return
    }
    throw new LinkRefusal(AMQP_CONDITION.unauthorized, 'Unauthorized')
  }

  /** Forgets what was proven of an identity: it has to be proven anew. */
  forget(identity: Identity): void {
    const key = identityKey(identity)
    this.#proven.get(key)?.cancel()
    this.#proven.delete(key)
  }

  /** The connection is gone. */
  close(): void {
    this.#isClosed = true
    for (const timer of this.#proven.values()) timer?.cancel()
    this.#proven.clear()
  }

  async #judge(credentials: Credentials): Promise<RefusedProof | undefined> {
    const verdict = await this.#authenticate(credentials)
    if (!verdict.accepted) return verdict
    if (this.#isClosed) return { accepted: false, reason: 'unavailable', detail: 'the connection is gone' }
    const { identity, expiresAt } = verdict
    const key = identityKey(identity)
    if (this.#proven.size >= this.#options.maxIdentities && !this.#proven.has(key)) {
      return { accepted: false, reason: 'unavailable', detail: 'too many identities on one connection' }
    }
    this.#proven.get(key)?.cancel()
    this.#proven.set(key, expiresAt === undefined ? undefined : this.#expire(key, identity, expiresAt))
    this.#options.onFirst()
    return undefined
  }

  async #authenticate(credentials: Credentials): Promise<Authentication> {
    try {
      return await this.#options.host.authenticate(credentials)
    } catch (error) {
      return { accepted: false, reason: 'unavailable', detail: describeError(error) }
    }
  }

  #expire(key: IdentityKey, identity: Identity, expiresAt: number): Timer {
    return onExpiry(this.#options.clock, expiresAt, () => {
      this.#proven.delete(key)
      this.#options.onExpired(identity)
    })
  }
}

function malformed(detail: string): RefusedProof {
  return { accepted: false, reason: 'malformed', detail }
}
