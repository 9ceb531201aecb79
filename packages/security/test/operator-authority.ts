import { webcrypto } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '@edgewright/core'
import { EdgeAuthority } from '../src/index.js'
import { loadX509 } from '../src/certificates/x509-library.js'

/** An authority as an operator's own tools would make it. */
export interface OperatorAuthority {
  readonly certificate: string
  readonly privateKey: string
  readonly keys: webcrypto.CryptoKeyPair
}

/** Makes an authority: a root, or one that another issued. */
export async function operatorAuthority(
  name: string,
  algorithm: string,
  issuer?: OperatorAuthority,
): Promise<OperatorAuthority> {
  const x509 = await loadX509()
  const details = { namedCurve: 'P-384', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-384' }
  const signingAlgorithm = { name: algorithm, ...details }
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
  const subject = `O=Plant, CN=${name}`
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer === undefined ? subject : new x509.X509Certificate(issuer.certificate).subjectName,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate: certificate.toString('pem'), privateKey: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), keys }
}

/** An authority as an operator gives it, which nobody renews: one for development, read as files. */
export async function operatorsOwn(place: string, clock: Clock): Promise<EdgeAuthority> {
  const [certificateFile, privateKeyFile] = ['cert', 'key'].map(kind =>
    join(place, `development-only-edge-ca.${kind}.pem`),
  )
  return await EdgeAuthority.fromFiles(
    { certificateFile: certificateFile!, privateKeyFile: privateKeyFile! },
    { clock },
  )
}
