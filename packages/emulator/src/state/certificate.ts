import { X509Certificate } from 'node:crypto'
import type { AuthenticationRefusal } from '@edgewright/core'
import type { AuthenticationMethod } from './event.js'
import type { RegistryEntry } from './registry.js'

/** The verdict on a certificate. */
export type CertificateVerdict =
  | { readonly kind: 'valid'; readonly type: Exclude<AuthenticationMethod['type'], 'sas'> }
  | { readonly kind: 'refused'; readonly reason: AuthenticationRefusal }

/**
 * Judges a device's certificate. Self-signed: its SHA-1 or SHA-256 thumbprint stands in the registry. Signed by an
 * authority: the common name is the device id, ordinally. Neither may have expired. Source: wire reference, section 1.3.
 *
 * @param authorities - PEM, one certificate each
 * @param now - milliseconds since 1970
 */
export function judgeCertificate(
  der: Uint8Array,
  { authentication, identity }: RegistryEntry,
  authorities: readonly string[],
  now: number,
): CertificateVerdict {
  const certificate = parse(der)
  if (certificate === undefined) return { kind: 'refused', reason: 'malformed' }
  if (identity.moduleId !== undefined) return { kind: 'refused', reason: 'wrong-kind' }
  if (Date.parse(certificate.validTo) < now || Date.parse(certificate.validFrom) > now) {
    return { kind: 'refused', reason: 'expired' }
  }
  if (authentication.type === 'thumbprint') {
    const known = [authentication.primary, authentication.secondary].map(plain).filter(thumbprint => thumbprint !== '')
    const own = [certificate.fingerprint, certificate.fingerprint256].map(plain)
    if (own.some(thumbprint => known.includes(thumbprint))) return { kind: 'valid', type: 'x509Certificate' }
    return { kind: 'refused', reason: 'wrong-signature' }
  }
  if (authentication.type !== 'certificateAuthority') return { kind: 'refused', reason: 'wrong-kind' }
  if (certificate.ca || commonName(certificate) !== identity.deviceId)
    return { kind: 'refused', reason: 'wrong-audience' }
  const isSigned = authorities.some(pem => {
    const authority = new X509Certificate(pem)
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
  })
  return isSigned ? { kind: 'valid', type: 'x509CertificateAuthority' } : { kind: 'refused', reason: 'wrong-signature' }
}

function parse(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

function commonName({ subject }: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(subject)?.[1]
}

function plain(thumbprint: string): string {
  return thumbprint.replaceAll(':', '').toLowerCase()
}
