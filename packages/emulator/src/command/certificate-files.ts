import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EmulatorTls } from '../options.js'
import { selfSigned } from './self-signed.js'

const YEAR = 31_536_000_000
const HOUR = 3_600_000

/** A server certificate, and the file that clients are to trust. */
export interface CertificateFiles extends EmulatorTls {
  readonly caFile: string
}

/** The certificate in a folder; made when there is none, or one for other names or past its time. */
export async function certificateIn(
  folder: string,
  names: readonly [string, ...string[]],
  now: number,
): Promise<CertificateFiles> {
  const caFile = join(folder, 'ca.pem')
  const keyFile = join(folder, 'key.pem')
  const [cert, key] = await Promise.all([caFile, keyFile].map(file => readFile(file, 'utf8').catch(() => '')))
  if (cert && key && isGood(cert, names, now)) return { cert, key, caFile }
  const made = selfSigned({ names, notBefore: now - HOUR, notAfter: now + YEAR })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(keyFile, made.key, { mode: 0o600 })
  await writeFile(caFile, made.cert)
  return { ...made, caFile }
}

function isGood(pem: string, names: readonly string[], now: number): boolean {
  try {
    const certificate = new X509Certificate(pem)
    const covers = (name: string) =>
      certificate.checkIP(name) !== undefined || certificate.checkHost(name) !== undefined
    return Date.parse(certificate.validTo) > now && names.every(covers)
  } catch {
    return false
  }
}
