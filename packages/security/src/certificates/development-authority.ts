import { webcrypto, type X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFile } from '../private-file.js'
import { type AuthorityMaterial, invalidAuthority, parseAuthority } from './authority-material.js'
import { serialNumber } from './serial-number.js'
import { P256 } from './signing-algorithm.js'
import { distinguishedName, loadX509, type X509Library } from './x509-library.js'

const DAY = 86_400_000
const CERTIFICATE_FILE = 'development-only-edge-ca.cert.pem'
const KEY_FILE = 'development-only-edge-ca.key.pem'

/** No clock that is before this is right: 2026-01-01, in milliseconds since 1970. */
const EARLIEST = 1_767_225_600_000

/** How a development authority is made when there is none. */
export interface DevelopmentAuthorityOptions {
  /** Where its two files are kept. */
  readonly folder: string
  /** @default 'Edgewright development only' */
  readonly commonName?: string
  /** Milliseconds. @default ten years: its clients have to be told by hand when it changes */
  readonly validity?: number
}

/** What a development authority is like when nothing else is said. */
export const DEVELOPMENT_AUTHORITY_DEFAULTS = Object.freeze({
  commonName: 'Edgewright development only',
  validity: 3_650 * DAY,
}) satisfies Partial<DevelopmentAuthorityOptions>

/** The last day that a certificate can name, in milliseconds since 1970. Source: RFC 5280, section 4.1.2.5. */
const LATEST = Date.UTC(9999, 11, 31)

/** The part of its validity that is left when it is renewed: time for its clients to be told. */
const RENEW_BEFORE = 0.2

/** Whether a development authority is to be renewed: it ends soon, or it was made by a clock that was ahead. */
export function isRenewalDue(certificate: X509Certificate, options: DevelopmentAuthorityOptions, now: number): boolean {
  const isEarly = now >= EARLIEST && now < Date.parse(certificate.validFrom)
  return isEarly || now >= developmentRenewal(certificate, options)
}

/** When a development authority is renewed, in milliseconds since 1970. */
export function developmentRenewal({ validTo }: X509Certificate, options: DevelopmentAuthorityOptions): number {
  const { validity = DEVELOPMENT_AUTHORITY_DEFAULTS.validity } = options
  return Date.parse(validTo) - validity * RENEW_BEFORE
}

/**
 * The development authority of a folder, made when there is none, renewed when it is due.
 *
 * Made by a machine whose clock is years behind, it is still good when the clock is right; by one that is ahead, it is
 * renewed then. Renewed, it keeps its key and its name: whoever trusts the certificate of before goes on until that ends.
 *
 * The key is written first and the certificate makes it count, so a crash between the two leaves nothing half.
 *
 * @param now - milliseconds since 1970
 * @throws `AUTHORITY_INVALID`, `PRIVATE_FILE_EXPOSED`
 */
export async function openDevelopmentAuthority(
  options: DevelopmentAuthorityOptions,
  now: number,
): Promise<AuthorityMaterial> {
  const certificateFile = join(options.folder, CERTIFICATE_FILE)
  const keyFile = join(options.folder, KEY_FILE)
  const settings = { ...DEVELOPMENT_AUTHORITY_DEFAULTS, ...options }
  let certificate = (await readPrivateFile(certificateFile))?.toString()
  if (certificate === undefined) {
    const made = await makeAuthority(settings, now)
    await writePrivateFile(keyFile, made.privateKey)
    await writePrivateFile(certificateFile, made.certificate)
    certificate = made.certificate
  }
  const key = (await readPrivateFile(keyFile))?.toString()
  if (key === undefined) throw invalidAuthority('its key is missing', keyFile)
  const material = parseAuthority({ pem: certificate, place: certificateFile }, { pem: key, place: keyFile })
  if (!isRenewalDue(material.chain[0], settings, now)) return material
  const pem = await renewed(material, now, settings.validity)
  await writePrivateFile(certificateFile, pem)
  return parseAuthority({ pem, place: certificateFile }, { pem: key, place: keyFile })
}

async function makeAuthority(
  { commonName, validity }: Required<DevelopmentAuthorityOptions>,
  now: number,
): Promise<{ certificate: string; privateKey: string }> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
  const begin = Math.max(now, EARLIEST)
  const name = distinguishedName(x509, commonName)
  const certificate = await selfSigned({ name, keys, notBefore: begin - DAY, notAfter: begin + validity })
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate, privateKey: x509.PemConverter.encode(privateKey, 'PRIVATE KEY') }
}

/** The certificate of an authority with another end, and an earlier beginning if need be. */
async function renewed(
  { chain: [old], privateKey }: AuthorityMaterial,
  now: number,
  validity: number,
): Promise<string> {
  const { subtle } = webcrypto
  const spki = old.publicKey.export({ type: 'spki', format: 'der' })
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const keys = {
    publicKey: await subtle.importKey('spki', spki, P256, true, ['verify']),
    privateKey: await subtle.importKey('pkcs8', pkcs8, P256, false, ['sign']),
  }
  const { subjectName: name } = new (await loadX509()).X509Certificate(old.raw)
  const notBefore = Math.min(Date.parse(old.validFrom), now - DAY)
  const notAfter = Math.min(Math.max(Date.parse(old.validTo), now + validity), LATEST)
  return await selfSigned({ name, keys, notBefore, notAfter })
}

interface SelfSigned {
  readonly name: InstanceType<X509Library['Name']>
  readonly keys: webcrypto.CryptoKeyPair
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
}

async function selfSigned({ name, keys, notBefore, notAfter }: SelfSigned): Promise<string> {
  const x509 = await loadX509()
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: name,
      issuer: name,
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      signingAlgorithm: P256,
      publicKey: keys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  )
  return certificate.toString('pem')
}
