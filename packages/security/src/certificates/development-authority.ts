import { webcrypto } from 'node:crypto'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFile } from '../private-file.js'
import { type AuthorityMaterial, invalidAuthority, parseAuthority } from './authority-material.js'
import { serialNumber } from './serial-number.js'
import { P256 } from './signing-algorithm.js'
import { distinguishedName, loadX509 } from './x509-library.js'

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

/**
 * The development authority of a folder, made when there is none.
 *
 * Made by a machine whose clock is years behind, it is still good when the clock is right.
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
  let certificate = (await readPrivateFile(certificateFile))?.toString()
  if (certificate === undefined) {
    const made = await makeAuthority({ ...DEVELOPMENT_AUTHORITY_DEFAULTS, ...options }, now)
    await writePrivateFile(keyFile, made.privateKey)
    await writePrivateFile(certificateFile, made.certificate)
    certificate = made.certificate
  }
  const key = (await readPrivateFile(keyFile))?.toString()
  if (key === undefined) throw invalidAuthority('its key is missing', keyFile)
  return parseAuthority({ pem: certificate, place: certificateFile }, { pem: key, place: keyFile })
}

async function makeAuthority(
  { commonName, validity }: Required<DevelopmentAuthorityOptions>,
  now: number,
): Promise<{ certificate: string; privateKey: string }> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
  const begin = Math.max(now, EARLIEST)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: distinguishedName(x509, commonName),
      notBefore: new Date(begin - DAY),
      notAfter: new Date(begin + validity),
      signingAlgorithm: P256,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  )
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate: certificate.toString('pem'), privateKey: x509.PemConverter.encode(privateKey, 'PRIVATE KEY') }
}
