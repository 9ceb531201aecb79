import { X509Certificate } from 'node:crypto'

/** Where a certificate stands. */
export type CertificateState =
  | 'valid'
  /** Valid, but it should have been replaced by now. */
  | 'due'
  | 'expired'
  /** It begins in the future: this machine's clock was, or is, far off. */
  | 'not-yet-valid'

/** What expires when. Times are milliseconds since 1970. */
export interface CertificateStatus {
  /** What it is for: `server`, `authority`, … */
  readonly name: string
  readonly commonName: string
  readonly state: CertificateState
  readonly notBefore: number
  readonly expiresAt: number
  /** When it is replaced; absent: not by this program. */
  readonly renewsAt?: number | undefined
  /** Why it was not replaced the last time that was tried. */
  readonly failure?: string | undefined
}

/** Where a certificate stands at a time. */
export function certificateState(
  { notBefore, expiresAt, renewsAt = expiresAt }: Pick<CertificateStatus, 'notBefore' | 'expiresAt' | 'renewsAt'>,
  now: number,
): CertificateState {
  if (now < notBefore) return 'not-yet-valid'
  if (now >= expiresAt) return 'expired'
  return now >= renewsAt ? 'due' : 'valid'
}

/** Where a certificate stands that somebody else replaces. @param pem - the certificate first */
export function certificateStatus(name: string, pem: string, now: number): CertificateStatus {
  const certificate = new X509Certificate(pem)
  const { CN } = certificate.toLegacyObject().subject
  const [notBefore, expiresAt] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  const commonName = (Array.isArray(CN) ? CN[0] : CN) ?? ''
  return { name, commonName, state: certificateState({ notBefore, expiresAt }, now), notBefore, expiresAt }
}

/** What expires when, the soonest first: of renewing certificates, of authorities, of whatever else has a status. */
export function certificateReport(
  sources: Iterable<{ readonly status: CertificateStatus }>,
): readonly CertificateStatus[] {
  return Array.from(sources, ({ status }) => status).sort((a, b) => a.expiresAt - b.expiresAt)
}
