import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { EdgewrightError } from '@edgewright/core'
import { type SigningAlgorithm, signingAlgorithm } from './signing-algorithm.js'

/** The most certificates that a chain or bundle may hold. */
const MAX_CERTIFICATES = 50

/** An authority's certificate, its issuers upwards, and its key: checked to fit together. */
export interface AuthorityMaterial {
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
  readonly privateKey: KeyObject
  readonly algorithm: SigningAlgorithm
}

/** Where PEM text came from, for errors. */
export interface PemSource {
  readonly pem: string
  readonly place: string
}

/**
 * An authority out of PEM text.
 *
 * @param certificate - the authority's own certificate first, then its issuers, if any
 * @throws `AUTHORITY_INVALID`
 */
export function parseAuthority(certificate: PemSource, privateKey: PemSource): AuthorityMaterial {
  const [own, ...issuers] = parseCertificates(certificate)
  if (own === undefined) throw invalidAuthority('there is no certificate in the file', certificate.place)
  const key = parsePrivateKey(privateKey)
  const algorithm = signingAlgorithm(key)
  if (algorithm === undefined) throw invalidAuthority('its kind of key is not supported', privateKey.place)
  if (!own.ca) throw invalidAuthority('the certificate may not issue others', certificate.place)
  if (!own.checkPrivateKey(key)) throw invalidAuthority('the key does not belong to the certificate', privateKey.place)
  issuers.reduce((issued, issuer) => {
    if (!issued.checkIssued(issuer) || !issued.verify(issuer.publicKey)) {
      throw invalidAuthority('a certificate of the chain was not issued by the next one', certificate.place)
    }
    return issuer
  }, own)
  return { chain: [own, ...issuers], privateKey: key, algorithm }
}

/**
 * Every certificate in PEM text, in order.
 *
 * @throws `AUTHORITY_INVALID`
 */
export function parseCertificates({ pem, place }: PemSource): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length > MAX_CERTIFICATES) throw invalidAuthority(`it holds ${blocks.length} certificates`, place)
  return blocks.map(block => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      throw invalidAuthority('a certificate cannot be read', place, cause)
    }
  })
}

/** That an authority cannot be used, and why. */
export function invalidAuthority(reason: string, place: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('AUTHORITY_INVALID', `The certificate authority cannot be used: ${reason}`, {
    place,
    remedy: 'Give the PEM certificate of an authority (CA:TRUE) and its EC or RSA private key without a pass phrase.',
    cause,
  })
}

function parsePrivateKey({ pem, place }: PemSource): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw invalidAuthority('the private key cannot be read', place)
  }
}
