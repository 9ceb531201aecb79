import { X509Certificate } from 'node:crypto'
import { requireThat } from './signature-refused.js'

/** The most certificates that a signature may bring. */
export const MAX_CHAIN = 8

const DIGITAL_SIGNATURE = 1
const CERT_SIGN = 32
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
const ANY_USAGE = '2.5.29.37.0'

/** Extensions whose meaning is looked at, here or by the platform. Source: RFC 5280, 4.2.1. */
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.19', '2.5.29.37', '2.5.29.14', '2.5.29.35', '2.5.29.17', '2.5.29.31'])

/**
 * Follows a chain from the certificate that signed to one that is trusted, and holds it to what Notation asks of
 * certificates that sign code. Source: Notary Project, signature specification, "Certificate requirements".
 *
 * @param chain - the signer's certificate, then its issuers
 * @param anchors - what is trusted: a certificate of the chain, or the issuer of its last
 * @param times - milliseconds since 1970, at which all of them must be valid
 * @throws SignatureRefused
 */
export async function followChain(
  chain: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  times: readonly number[],
): Promise<void> {
  const [leaf] = chain
  requireThat(leaf !== undefined, 'it brings no certificate')
  requireThat(chain.length <= MAX_CHAIN, `it brings more than ${MAX_CHAIN} certificates`)
  const path = pathOf(chain, anchors)
  for (const certificate of path) requireValid(certificate, times)
  await requireSigner(leaf)
  for (const [depth, issuer] of path.slice(1).entries()) await requireIssuer(issuer, depth)
}

/** The certificates from the signer's up to the trusted one. */
function pathOf(chain: readonly X509Certificate[], anchors: readonly X509Certificate[]): readonly X509Certificate[] {
  const path: X509Certificate[] = []
  for (const [index, certificate] of chain.entries()) {
    const before = path[index - 1]
    requireThat(before === undefined || isIssuedBy(before, certificate), 'its certificates do not follow one another')
    path.push(certificate)
    if (anchors.some(anchor => anchor.raw.equals(certificate.raw))) return path
  }
  const anchor = anchors.find(candidate => isIssuedBy(path.at(-1)!, candidate))
  requireThat(anchor !== undefined, 'its certificate comes from nobody who is trusted')
  return [...path, anchor]
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function requireValid({ subject, validFrom, validTo }: X509Certificate, times: readonly number[]): void {
  const name = subject.replaceAll('\n', ', ')
  for (const time of times) {
    requireThat(time >= Date.parse(validFrom), `the certificate of ${name} is not valid yet`)
    requireThat(time <= Date.parse(validTo), `the certificate of ${name} has expired`)
  }
}

async function requireSigner(certificate: X509Certificate): Promise<void> {
  const { isAuthority, usages, extendedUsages } = await extensionsOf(certificate)
  requireThat(!isAuthority, 'its certificate is that of an authority')
  requireThat((usages & DIGITAL_SIGNATURE) !== 0, 'its certificate is not for signatures')
  requireThat((usages & CERT_SIGN) === 0, 'its certificate is for certificates')
  requireThat(extendedUsages.includes(CODE_SIGNING), 'its certificate is not for signing code')
  requireThat(!extendedUsages.includes(ANY_USAGE), 'its certificate is for anything')
}

/** @param depth - issuers between it and the signer */
async function requireIssuer(certificate: X509Certificate, depth: number): Promise<void> {
  const { isAuthority, usages, pathLength } = await extensionsOf(certificate)
  const name = certificate.subject.replaceAll('\n', ', ')
  requireThat(isAuthority && (usages & CERT_SIGN) !== 0, `${name} may not issue certificates`)
  requireThat(pathLength === undefined || depth <= pathLength, `${name} may not issue so long a chain`)
}

interface Extensions {
  readonly isAuthority: boolean
  readonly pathLength: number | undefined
  /** As bits, the lowest first. */
  readonly usages: number
  readonly extendedUsages: readonly string[]
}

async function extensionsOf({ raw }: X509Certificate): Promise<Extensions> {
  // Loaded when it is first needed: it takes a quarter of a second.
  await import('reflect-metadata/lite')
  const x509 = await import('@peculiar/x509')
  const certificate = new x509.X509Certificate(raw)
  const unknown = certificate.extensions.find(({ critical, type }) => critical && !UNDERSTOOD.has(type))
  requireThat(unknown === undefined, `a certificate has an extension that is not understood (${unknown?.type})`)
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension)
  return {
    isAuthority: constraints?.ca ?? false,
    pathLength: constraints?.pathLength,
    usages: certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0,
    extendedUsages: (certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? []).map(String),
  }
}

/** The certificates of PEM texts. @throws TypeError when one cannot be read */
export function certificatesOf(pems: readonly string[]): readonly X509Certificate[] {
  return pems.flatMap(pem => {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    if (blocks === null) throw new TypeError('A rule has a certificate that is no PEM')
    return blocks.map(block => new X509Certificate(block))
  })
}
