import { constants, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { followChain, MAX_CHAIN } from './certificate-path.js'
import { requireThat, SignatureRefused } from './signature-refused.js'

/** The image that a signature is about, as its manifest lies in the registry. */
export interface TargetArtifact {
  readonly mediaType: string
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/** What an envelope is held to. */
export interface EnvelopeTrust {
  readonly anchors: readonly X509Certificate[]
  /** Milliseconds since 1970. */
  readonly now: number
}

const PAYLOAD_TYPE = 'application/vnd.cncf.notary.payload.v1+json'
const SCHEME = 'io.cncf.notary.signingScheme'
const SIGNING_TIME = 'io.cncf.notary.signingTime'
const EXPIRY = 'io.cncf.notary.expiry'

/** Headers whose meaning is known: a critical one that is not among them ends the verification. */
const UNDERSTOOD = new Set([SCHEME, SIGNING_TIME, EXPIRY])

/** Milliseconds that the signer's clock may be ahead. */
const CLOCK_SKEW = 300_000

/** The one algorithm for each key. Source: Notary Project, signature specification, "Algorithm selection". */
const ALGORITHMS: Readonly<Record<string, { readonly hash: string; readonly key: string }>> = {
  PS256: { hash: 'sha256', key: 'rsa 2048' },
  PS384: { hash: 'sha384', key: 'rsa 3072' },
  PS512: { hash: 'sha512', key: 'rsa 4096' },
  ES256: { hash: 'sha256', key: 'ec prime256v1' },
  ES384: { hash: 'sha384', key: 'ec secp384r1' },
  ES512: { hash: 'sha512', key: 'ec secp521r1' },
}

/**
 * Verifies a Notation signature in its JWS form. Source: Notary Project, signature specification and JWS envelope 1.0.
 *
 * @returns the subject of the certificate that signed
 * @throws SignatureRefused with the reason
 */
export async function verifyJwsEnvelope(
  envelope: Uint8Array,
  target: TargetArtifact,
  { anchors, now }: EnvelopeTrust,
): Promise<string> {
  const document = parseObject(envelope, 'its envelope')
  const [payload, signed] = [textOf(document, 'payload'), textOf(document, 'protected')]
  const headers = parseObject(decode(signed), 'its protected header')
  const chain = chainOf(document.header)
  const [leaf] = chain
  requireThat(leaf !== undefined, 'it brings no certificate')
  requireSignature(headers, leaf.publicKey, `${signed}.${payload}`, decode(textOf(document, 'signature')))
  const signedAt = requireHeaders(headers, now)
  await followChain(chain, anchors, [now, signedAt])
  requireTarget(parseObject(decode(payload), 'its payload').targetArtifact, target)
  return leaf.subject.replaceAll('\n', ', ')
}

function requireSignature({ alg }: JsonObject, key: KeyObject, text: string, signature: Uint8Array): void {
  const algorithm = typeof alg === 'string' && Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined
  requireThat(algorithm !== undefined, 'its algorithm is none that Notation knows')
  requireThat(keyName(key) === algorithm.key, 'its algorithm does not belong to its key')
  const options = key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key, ...PSS }
  requireThat(verify(algorithm.hash, Buffer.from(text), options, signature), 'its signature does not hold')
}

const PSS = Object.freeze({
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
})

function keyName({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  return `${type} ${type === 'ec' ? details?.namedCurve : details?.modulusLength}`
}

/** @returns when it was signed, in milliseconds since 1970 */
function requireHeaders(headers: JsonObject, now: number): number {
  const { cty, crit } = headers
  requireThat(cty === PAYLOAD_TYPE, 'its payload is of another type')
  const critical = Array.isArray(crit) ? crit.map(String) : []
  requireThat(critical.includes(SCHEME), 'its signing scheme is not marked as critical')
  const unknown = critical.find(name => !UNDERSTOOD.has(name))
  requireThat(unknown === undefined, `its critical header ${unknown?.slice(0, 100)} is not understood`)
  const absent = critical.find(name => headers[name] === undefined)
  requireThat(absent === undefined, `its critical header ${absent} is missing`)
  requireThat(headers[SCHEME] === 'notary.x509', 'its signing scheme is not notary.x509')
  const signedAt = timeOf(headers[SIGNING_TIME], 'signing time')
  requireThat(signedAt <= now + CLOCK_SKEW, 'it was signed in the future')
  if (headers[EXPIRY] !== undefined) {
    requireThat(critical.includes(EXPIRY), 'its expiry is not marked as critical')
    requireThat(timeOf(headers[EXPIRY], 'expiry') > now, 'it has expired')
  }
  return signedAt
}

/** A good signature of another image is none of this one. */
function requireTarget(target: JsonValue | undefined, wanted: TargetArtifact): void {
  requireThat(isJsonObject(target), 'its payload names no image')
  const { digest, size, mediaType } = target
  requireThat(digest === wanted.digest, 'it is about another image')
  requireThat(size === wanted.size, 'the size it names is another')
  requireThat(mediaType === wanted.mediaType, 'the media type it names is another')
}

function chainOf(header: JsonValue | undefined): readonly X509Certificate[] {
  const chain = isJsonObject(header) ? header.x5c : undefined
  requireThat(Array.isArray(chain) && chain.length > 0, 'it brings no certificate')
  requireThat(chain.length <= MAX_CHAIN, `it brings more than ${MAX_CHAIN} certificates`)
  try {
    return chain.map(certificate => new X509Certificate(Buffer.from(String(certificate), 'base64')))
  } catch {
    throw new SignatureRefused('its certificates cannot be read')
  }
}

function timeOf(value: JsonValue | undefined, name: string): number {
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)
  const time = isTime ? Date.parse(value) : Number.NaN
  requireThat(Number.isFinite(time), `its ${name} is missing, or no time`)
  return time
}

function textOf(document: JsonObject, name: string): string {
  const value = document[name]
  requireThat(typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value), `its envelope has no ${name}`)
  return value
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}

function parseObject(bytes: Uint8Array, name: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (isJsonObject(parsed)) return parsed
  } catch {
    // Told below.
  }
  throw new SignatureRefused(`${name} is no JSON object`)
}
