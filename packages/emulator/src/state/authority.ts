import { type AuthenticationRefusal, type Identity, identityKey, sameIdentity } from '@edgewright/core'
import { parseSasAudience, parseSasToken, Refusal, type SasToken, verifySasToken } from '@edgewright/protocol'
import { judgeCertificate } from './certificate.js'
import type { AuthenticationMethod } from './event.js'
import type { Permission, Policy } from './policies.js'
import type { Registry, RegistryEntry } from './registry.js'
import type { Table } from './table.js'

/** Somebody who has proven who they are. */
export type Principal =
  | {
      readonly kind: 'identity'
      readonly identity: Identity
      readonly method: AuthenticationMethod
      /** Milliseconds since 1970; infinite for a certificate. */
      readonly expiresAt: number
    }
  | {
      readonly kind: 'policy'
      readonly policy: string
      readonly permissions: readonly Permission[]
      /** The part of the hub the token is for, by segments; empty: all of it. */
      readonly path: readonly string[]
      readonly expiresAt: number
    }

/** Why somebody was not let in: for the log, never for the wire. */
export interface Refused {
  readonly kind: 'refused'
  readonly reason: AuthenticationRefusal
  /** Who it would have been, when that could be read. */
  readonly claimed?: string | undefined
}

/** What an {@link Authority} judges by. */
export interface AuthorityOptions {
  readonly registry: Registry
  readonly policies: Table<Policy>
  /** The names this hub answers to in audiences, with and without ports. */
  readonly hosts: () => readonly string[]
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Authorities whose devices prove themselves by their certificates' common names, PEM. */
  readonly authorities?: readonly string[] | undefined
}

/** Judges tokens against the registry's keys and the hub's policies. */
export class Authority {
  readonly #options: AuthorityOptions

  constructor(options: AuthorityOptions) {
    this.#options = options
  }

  /**
   * Judges a shared access signature of a device, a module or a policy.
   *
   * @param claimed - who the client says it is, where its protocol has a place for that; else the token alone decides
   */
  token(text: string, claimed?: Identity): Principal | Refused {
    const token = parseSasToken(text)
    if (token instanceof Refusal) return refused('malformed')
    return token.policy === undefined ? this.#identityToken(token, claimed) : this.#policyToken(token, token.policy)
  }

  /**
   * Judges the certificate a client showed in its TLS handshake: by thumbprint, or by an authority and the common name.
   * Modules prove themselves by tokens only.
   */
  certificate(der: Uint8Array | undefined, identity: Identity): Principal | Refused {
    const key = identityKey(identity)
    if (der === undefined) return refused('malformed', key)
    const entry = this.#options.registry.find(identity)
    if (entry === undefined) return refused('unknown-identity', key)
    if (!this.#options.registry.isEnabled(identity)) return refused('disabled', key)
    const { authorities, now } = this.#options
    const verdict = judgeCertificate(der, entry, authorities ?? [], now())
    if (verdict.kind === 'refused') return refused(verdict.reason, key)
    return {
      kind: 'identity',
      identity,
      method: { scope: 'device', type: verdict.type },
      expiresAt: Number.POSITIVE_INFINITY,
    }
  }

  /**
   * Whether somebody may act as an identity: being it, holding a policy with `DeviceConnect` over it, or being the
   * `$edgeHub` of an edge device that it stands behind, when an authentication chain says so.
   *
   * @param chain - ids from the identity to the edge device that speaks for it; absent: it speaks for itself
   */
  allows(principal: Principal, identity: Identity, chain?: readonly string[]): boolean {
    if (principal.kind === 'policy') {
      return principal.permissions.includes('DeviceConnect') && covers(principal.path, devicePath(identity))
    }
    if (sameIdentity(principal.identity, identity)) return true
    const actor = chain?.at(-1)
    return (
      actor !== undefined &&
      chain?.[0] === identityKey(identity) &&
      sameIdentity(principal.identity, { deviceId: actor, moduleId: '$edgeHub' }) &&
      this.#isInScope(actor, identity)
    )
  }

  #identityToken(token: SasToken, claimed: Identity | undefined): Principal | Refused {
    const audience = parseSasAudience(token.resource)
    if (audience instanceof Refusal) return refused('malformed')
    const identity = claimed ?? audience.identity
    if (identity === undefined) return refused('wrong-audience')
    const key = identityKey(identity)
    const entry = this.#options.registry.find(identity)
    if (entry === undefined) return refused('unknown-identity', key)
    if (!this.#options.registry.isEnabled(identity)) return refused('disabled', key)
    if (entry.authentication.type !== 'symmetricKey') return refused('wrong-kind', key)
    const { primaryKey, secondaryKey } = entry.authentication
    const verdict = this.#verify(token, [identity], [primaryKey, secondaryKey])
    if (!verdict.valid) return refused(verdict.reason, key)
    return { kind: 'identity', identity, method: sasMethod(entry), expiresAt: verdict.expiresAt }
  }

  #policyToken(token: SasToken, name: string): Principal | Refused {
    const policy = this.#options.policies.get(name)
    if (policy === undefined) return refused('unknown-identity', name)
    const keys = [policy.primaryKey, policy.secondaryKey]
    const verdict = this.#verify(token, [], [...keys, ...keys.map(textAsKey)])
    if (!verdict.valid) return refused(verdict.reason, name)
    const audience = parseSasAudience(token.resource)
    const path = audience instanceof Refusal ? [] : audience.path
    return { kind: 'policy', policy: name, permissions: policy.permissions, path, expiresAt: verdict.expiresAt }
  }

  #verify(token: SasToken, identities: readonly Identity[], keys: readonly string[]) {
    return verifySasToken(token, { hosts: this.#options.hosts(), identities, keys, now: this.#options.now() })
  }

  #isInScope(edgeDeviceId: string, identity: Identity): boolean {
    if (identity.deviceId === edgeDeviceId) return this.#options.registry.find(identity) !== undefined
    if (!this.#options.registry.isEnabled({ deviceId: edgeDeviceId }) || !this.#options.registry.isEnabled(identity))
      return false
    for (const child of this.#options.registry.childrenOf(edgeDeviceId)) {
      if (child.identity.deviceId === identity.deviceId) return true
    }
    return false
  }
}

/** How somebody had proven themselves, as the events they send carry it. */
export function authenticationOf(principal: Principal): AuthenticationMethod {
  return principal.kind === 'identity' ? principal.method : { scope: 'hub', type: 'sas' }
}

function sasMethod(entry: RegistryEntry): AuthenticationMethod {
  return entry.identity.moduleId === undefined ? { scope: 'device', type: 'sas' } : { scope: 'module', type: 'sas' }
}

/** Event Hubs clients sign with the text of a key, not with the bytes it stands for. */
function textAsKey(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64')
}

function refused(reason: AuthenticationRefusal, claimed?: string): Refused {
  return { kind: 'refused', reason, claimed }
}

function devicePath({ deviceId, moduleId }: Identity): readonly string[] {
  return moduleId === undefined ? ['devices', deviceId] : ['devices', deviceId, 'modules', moduleId]
}

/** Whether a path begins with a scope. */
function covers(scope: readonly string[], path: readonly string[]): boolean {
  return scope.every((segment, index) => segment === path[index])
}
