import { createHmac, X509Certificate } from 'node:crypto'
import type { IdentityAuthentication } from '@edgewright/core'
import { parseSasAudience, parseSasToken, Refusal, type SasToken, verifySasToken } from '@edgewright/protocol'
import type { Enrollment } from './enrollments.js'

/** What somebody shows who wants to register. */
export interface Evidence {
  readonly idScope: string
  readonly registrationId: string
  /** The whole token, when there is one. */
  readonly token: string | undefined
  /** What was shown in the TLS handshake, DER: the device's certificate, then its issuers. */
  readonly chain: readonly Uint8Array[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The name of the key that device tokens for the provisioning service are signed with. */
const POLICY = 'registration'

/**
 * How the hub is to know the device, when the evidence fits an enrollment; undefined when it does not. Source: Device
 * Provisioning Service, "Symmetric key attestation" and "X.509 certificate attestation".
 */
export function attest(enrollment: Enrollment, evidence: Evidence): IdentityAuthentication | undefined {
  if (!enrollment.enabled) return undefined
  const { attestation, kind } = enrollment
  return attestation.kind === 'symmetricKey'
    ? byKey(kind === 'group' ? derived(attestation, evidence.registrationId) : attestation, evidence)
    : byCertificate(new X509Certificate(attestation.certificate), kind, evidence)
}

interface Keys {
  readonly primaryKey: string
  readonly secondaryKey: string
}

function byKey({ primaryKey, secondaryKey }: Keys, evidence: Evidence): IdentityAuthentication | undefined {
  const token = parseSasToken(evidence.token ?? '')
  if (token instanceof Refusal || token.policy !== POLICY || !isFor(token, evidence)) return undefined
  const { idScope, now } = evidence
  const verdict = verifySasToken(token, { hosts: [idScope], identities: [], keys: [primaryKey, secondaryKey], now })
  return verdict.valid ? { type: 'symmetricKey', primaryKey, secondaryKey } : undefined
}

function isFor(token: SasToken, { registrationId }: Evidence): boolean {
  const audience = parseSasAudience(token.resource)
  if (audience instanceof Refusal) return false
  const [place, id, ...rest] = audience.path
  return place === 'registrations' && id?.toLowerCase() === registrationId.toLowerCase() && rest.length === 0
}

/** Keys of a device of a group. */
function derived({ primaryKey, secondaryKey }: Keys, registrationId: string): Keys {
  const derive = (key: string) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(registrationId, 'utf8').digest('base64')
  return { primaryKey: derive(primaryKey), secondaryKey: derive(secondaryKey) }
}

function byCertificate(
  enrolled: X509Certificate,
  kind: Enrollment['kind'],
  { chain, registrationId, now }: Evidence,
): IdentityAuthentication | undefined {
  const [own, ...issuers] = chain.map(der => new X509Certificate(der))
  if (own === undefined || commonName(own)?.toLowerCase() !== registrationId.toLowerCase()) return undefined
  if (now < Date.parse(own.validFrom) || now > Date.parse(own.validTo)) return undefined
  const fits = kind === 'group' ? !own.ca && isIssuedBy(own, issuers, enrolled) : own.raw.equals(enrolled.raw)
  return fits ? { type: 'thumbprint', primary: plain(own.fingerprint256), secondary: '' } : undefined
}

/** Whether a certificate leads to an authority, directly or by the issuers that were shown with it. */
function isIssuedBy(own: X509Certificate, issuers: readonly X509Certificate[], authority: X509Certificate): boolean {
  if (isSignedBy(own, authority)) return true
  const [next, ...rest] = issuers
  if (next === undefined) return false
  return next.ca && isSignedBy(own, next) && isIssuedBy(next, rest, authority)
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function commonName({ subject }: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(subject)?.[1]
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '')
}
