import { timingSafeEqual } from 'node:crypto'
import type { AuthenticationRefusal, Identity } from '@edgewright/core'
import { Refusal } from '../refusal.js'
import { parseSasAudience } from './audience.js'
import { isSignatureLength, sasSignature, type SasToken, sasSignText } from './token.js'

/** How long after its expiry a token still counts, in milliseconds, for clocks that differ. */
export const SAS_CLOCK_SKEW = 300_000

/** What a token is held against. */
export interface SasExpectation {
  /** Hosts the audience may name: the hub's, and the gateway's own. Compared without case. */
  readonly hosts: readonly string[]
  /** Identities the audience may name; ids are compared without case. Empty: any path will do (policy tokens). */
  readonly identities: readonly Identity[]
  /** Base64 keys, tried in order: primary, secondary. */
  readonly keys: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
  /** Milliseconds. @default SAS_CLOCK_SKEW */
  readonly skew?: number | undefined
}

/** The verdict on a token; reasons as {@link AuthenticationRefusal} has them. */
export type SasVerdict =
  | {
      readonly valid: true
      /** Milliseconds since 1970, without skew. */
      readonly expiresAt: number
    }
  | {
      readonly valid: false
      readonly reason: Extract<AuthenticationRefusal, 'malformed' | 'expired' | 'wrong-audience' | 'wrong-signature'>
    }

/**
 * Judges a token: expiry with skew, then audience, then signature (compared in constant time). A module of a device may
 * be let in on the device's key by a second call with the device's keys and both identities.
 */
export function verifySasToken(token: SasToken, expected: SasExpectation): SasVerdict {
  const expiresAt = sasExpiry(token)
  if (expiresAt + (expected.skew ?? SAS_CLOCK_SKEW) < expected.now) return { valid: false, reason: 'expired' }
  const audience = parseSasAudience(token.resource)
  if (audience instanceof Refusal) return { valid: false, reason: 'malformed' }
  const named = audience.identity
  const fits =
    expected.hosts.some(host => host.toLowerCase() === audience.host) &&
    (expected.identities.length === 0 ||
      (named !== undefined && expected.identities.some(identity => sameIgnoringCase(identity, named))))
  if (!fits) return { valid: false, reason: 'wrong-audience' }
  return expected.keys.some(key => isSignedBy(token, key))
    ? { valid: true, expiresAt }
    : { valid: false, reason: 'wrong-signature' }
}

/** When a token lapses, in milliseconds since 1970, without skew. */
export function sasExpiry(token: SasToken): number {
  return Number(token.expiry) * 1000
}

function isSignedBy(token: SasToken, key: string): boolean {
  if (!isSignatureLength(token.signature)) return false
  return timingSafeEqual(token.signature, sasSignature(sasSignText(token.resource, token.expiry), key))
}

function sameIgnoringCase(a: Identity, b: Identity): boolean {
  return lower(a.deviceId) === lower(b.deviceId) && lower(a.moduleId) === lower(b.moduleId)
}

function lower(id: string | undefined): string | undefined {
  return id?.toLowerCase()
}
