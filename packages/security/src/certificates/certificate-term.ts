import { X509Certificate } from 'node:crypto'
import type { IssuedCertificate } from '@edgewright/core'

/** A certificate in its time. Milliseconds since 1970. */
export interface CertificateTerm {
  readonly certificate: IssuedCertificate
  readonly notBefore: number
  readonly expiresAt: number
  /** When it is to be replaced. */
  readonly renewsAt: number
}

/**
 * The term of a certificate that was issued now. Its life is counted from now, not from its backdated beginning; a clock
 * that is behind that beginning does not count.
 *
 * @param renewAfter - the part of its life after which it is replaced
 */
export function certificateTerm(certificate: IssuedCertificate, now: number, renewAfter: number): CertificateTerm {
  const { expiresAt, chain } = certificate
  const notBefore = Date.parse(new X509Certificate(chain).validFrom)
  const begin = Math.max(now, notBefore)
  return { certificate, notBefore, expiresAt, renewsAt: begin + (expiresAt - begin) * renewAfter }
}

/**
 * Whether one certificate is worth being shown instead of another: it is valid now, and the other is not or ends sooner.
 * An authority that itself ends soon issues nothing better than before.
 */
export function isBetterTerm(next: CertificateTerm, current: CertificateTerm, now: number): boolean {
  return isValid(next, now) && (!isValid(current, now) || next.expiresAt > current.expiresAt)
}

function isValid({ notBefore, expiresAt }: CertificateTerm, now: number): boolean {
  return notBefore <= now && now < expiresAt
}
