import { type Clock, type Identity, identityKey, type Timer } from '@edgewright/core'
import type { Principal } from '../state/authority.js'

/** What {@link Principals} stand on. */
export interface PrincipalsOptions {
  readonly clock: Clock
  /** Milliseconds a token counts after its expiry. */
  readonly tokenSkew: number
  /** Called with one whose time has come; it is forgotten by then. */
  readonly lapsed: (principal: Principal) => void
}

interface Proven {
  readonly principal: Principal
  readonly expiry: Timer | undefined
}

/** What one connection has proven so far: each until its token lapses, or another takes its place. */
export class Principals {
  readonly #options: PrincipalsOptions
  readonly #proven = new Map<string, Proven>()

  constructor(options: PrincipalsOptions) {
    this.#options = options
  }

  /** Adds one, or renews it. */
  put(principal: Principal): void {
    const { clock, tokenSkew } = this.#options
    const key = principalKey(principal)
    const rest = principal.expiresAt + tokenSkew - clock.now()
    const lapse = () => {
      this.#proven.delete(key)
      this.#options.lapsed(principal)
    }
    this.#proven.get(key)?.expiry?.cancel()
    this.#proven.set(key, {
      principal,
      expiry: Number.isFinite(rest) ? clock.after(Math.max(rest, 0), lapse) : undefined,
    })
  }

  /** An identity that speaks for itself. */
  find(identity: Identity): Principal | undefined {
    return this.#proven.get(identityKey(identity))?.principal
  }

  *[Symbol.iterator](): IterableIterator<Principal> {
    for (const { principal } of this.#proven.values()) yield principal
  }

  forget(identity: Identity): void {
    this.#forget(identityKey(identity))
  }

  clear(): void {
    for (const key of [...this.#proven.keys()]) this.#forget(key)
  }

  #forget(key: string): void {
    this.#proven.get(key)?.expiry?.cancel()
    this.#proven.delete(key)
  }
}

/** Whether two tokens prove the same, so that one renews the other. */
export function samePrincipal(a: Principal, b: Principal): boolean {
  return principalKey(a) === principalKey(b)
}

function principalKey(principal: Principal): string {
  return principal.kind === 'identity'
    ? identityKey(principal.identity)
    : `policy:${principal.policy}:${principal.path.join('/')}`
}
