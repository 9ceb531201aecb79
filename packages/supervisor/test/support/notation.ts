import 'reflect-metadata/lite'
import { constants, createHash, createPrivateKey, type KeyObject, sign, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Registry } from './registry.js'

export const { Extension, KeyUsageFlags } = x509

/** Keys as Notation takes them, with the algorithm that each signs with. */
export const KEYS = {
  PS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  PS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384', modulusLength: 3072, publicExponent: new Uint8Array([1, 0, 1]) },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
} as const

export type Algorithm = keyof typeof KEYS

/** A certificate with its key. */
export interface Holder {
  readonly certificate: x509.X509Certificate
  readonly keys: CryptoKeyPair
}

type CryptoKeyPair = webcrypto.CryptoKeyPair

/** What a certificate is to be like, where it is not as it should be. */
export interface CertificateFlaws {
  readonly algorithm?: Algorithm
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly usages?: x509.KeyUsageFlags
  readonly extendedUsages?: readonly string[]
  readonly isAuthority?: boolean
  readonly pathLength?: number
  readonly more?: readonly x509.Extension[]
}

const DAY = 86_400_000

async function certify(name: string, issuer: Holder | undefined, flaws: CertificateFlaws): Promise<Holder> {
  const { algorithm = 'ES256', isAuthority = false, pathLength, more = [] } = flaws
  const keys = (await webcrypto.subtle.generateKey(KEYS[algorithm], true, ['sign', 'verify'])) as CryptoKeyPair
  const usages = flaws.usages ?? (isAuthority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature)
  const extendedUsages = flaws.extendedUsages ?? (isAuthority ? [] : [x509.ExtendedKeyUsage.codeSigning])
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${name}`,
      issuer: issuer?.certificate.subject ?? `CN=${name}`,
      notBefore: flaws.notBefore ?? new Date(Date.now() - DAY),
      notAfter: flaws.notAfter ?? new Date(Date.now() + DAY),
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new x509.BasicConstraintsExtension(isAuthority, pathLength, true),
        new x509.KeyUsagesExtension(usages, true),
        ...(extendedUsages.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...extendedUsages])]),
        ...more,
      ],
    },
    webcrypto as never,
  )
  return { certificate, keys }
}

/** An authority that signs its own certificate. */
export function makeRoot(name: string, flaws: CertificateFlaws = {}): Promise<Holder> {
  return certify(name, undefined, { isAuthority: true, ...flaws })
}

/** Somebody whose certificate an authority issues. */
export function issue(issuer: Holder, name: string, flaws: CertificateFlaws = {}): Promise<Holder> {
  return certify(name, issuer, flaws)
}

/** An envelope before it is signed, and what comes with it. */
export interface Envelope {
  headers: Record<string, unknown>
  payload: { targetArtifact: Record<string, unknown> }
  chain: readonly x509.X509Certificate[]
  key: KeyObject
  algorithm: Algorithm
}

/** Puts a signature of an image beside it. @param change - what is to be wrong with it */
export async function notate(
  registry: Registry,
  { repository, digest }: { readonly repository: string; readonly digest: string },
  [signer, ...issuers]: readonly [Holder, ...Holder[]],
  change: {
    readonly algorithm?: Algorithm
    readonly by?: 'listing' | 'tag'
    envelope?(envelope: Envelope): void
    text?(parts: { payload: string; protected: string; signature: string }): void
    manifest?(manifest: Record<string, unknown>): void
  } = {},
): Promise<void> {
  const size = registry.content(repository, digest).byteLength
  const envelope: Envelope = {
    headers: {
      alg: change.algorithm ?? 'ES256',
      cty: 'application/vnd.cncf.notary.payload.v1+json',
      crit: ['io.cncf.notary.signingScheme'],
      'io.cncf.notary.signingScheme': 'notary.x509',
      'io.cncf.notary.signingTime': new Date(Date.now() - 60_000).toISOString(),
    },
    payload: { targetArtifact: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size } },
    chain: [signer, ...issuers].map(({ certificate }) => certificate),
    key: createPrivateKey({
      key: Buffer.from(await webcrypto.subtle.exportKey('pkcs8', signer.keys.privateKey)),
      format: 'der',
      type: 'pkcs8',
    }),
    algorithm: change.algorithm ?? 'ES256',
  }
  change.envelope?.(envelope)
  const parts = {
    payload: base64url(JSON.stringify(envelope.payload)),
    protected: base64url(JSON.stringify(envelope.headers)),
    signature: '',
  }
  parts.signature = base64url(signatureOf(`${parts.protected}.${parts.payload}`, envelope))
  change.text?.(parts)
  const x5c = envelope.chain.map(({ rawData }) => Buffer.from(rawData).toString('base64'))
  const layer = registry.blob(repository, Buffer.from(JSON.stringify({ ...parts, header: { x5c } })))
  const manifest: Record<string, unknown> = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.cncf.notary.signature',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256('{}'), size: 2 },
    layers: [{ mediaType: 'application/jose+json', ...layer }],
    subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size },
  }
  change.manifest?.(manifest)
  registry.refer(repository, digest, manifest, change.by ?? 'listing')
}

function signatureOf(text: string, { key, algorithm }: Envelope): Buffer {
  const hash = KEYS[algorithm].hash.replace('-', '').toLowerCase()
  return key.asymmetricKeyType === 'ec'
    ? sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
    : sign(hash, Buffer.from(text), {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      })
}

function base64url(value: string | Buffer): string {
  return Buffer.from(value).toString('base64url')
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
