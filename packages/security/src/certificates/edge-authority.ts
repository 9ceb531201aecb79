import { webcrypto, type X509Certificate } from 'node:crypto'
import {
  type CertificateIssuer,
  type CertificateRequest,
  type Clock,
  EdgewrightError,
  type IssuedCertificate,
  type Logger,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { readBounded, readPrivateFile } from '../private-file.js'
import { type AuthorityMaterial, invalidAuthority, parseAuthority, parseCertificates } from './authority-material.js'
import { type CertificateStatus, certificateState } from './certificate-status.js'
import { checkCertificateRequest } from './certificate-request.js'
import { type DevelopmentAuthorityOptions, openDevelopmentAuthority } from './development-authority.js'
import { serialNumber } from './serial-number.js'
import { P256, type SigningAlgorithm } from './signing-algorithm.js'
import { distinguishedName, loadX509, type X509Library } from './x509-library.js'

/** How far back a certificate reaches, for clients whose clocks are behind: one day. */
const BACKDATE = 86_400_000

/** What an authority reads the time from and tells its news to. */
export interface EdgeAuthorityPorts {
  readonly clock?: Clock
  readonly logger?: Logger
}

/** An authority that the operator gives as PEM files. */
export interface OperatorAuthorityOptions {
  /** Its certificate first, then its issuers up to the root. */
  readonly certificateFile: string
  /** EC (P-256, P-384, P-521) or RSA, without a pass phrase; readable by this user alone. */
  readonly privateKeyFile: string
  /** Further authorities that clients are to trust. */
  readonly trustBundleFile?: string
}

/**
 * Issues the certificates of this gateway and its modules, each with an ECDSA P-256 key of its own.
 *
 * Errors: `AUTHORITY_INVALID`, `PRIVATE_FILE_EXPOSED`, `AUTHORITY_EXPIRED`, `CERTIFICATE_REQUEST_INVALID`.
 */
export class EdgeAuthority implements CertificateIssuer {
  readonly trustBundle: string
  /** Milliseconds since 1970 when the authority itself expires; nothing that it issues lasts longer. */
  readonly expiresAt: number
  /** Whether it was made by this program for trying things out. */
  readonly development: boolean

  readonly #library: X509Library
  readonly #issuer: InstanceType<X509Library['X509Certificate']>
  readonly #key: webcrypto.CryptoKey
  readonly #algorithm: SigningAlgorithm
  /** PEM of the authority and its issuers without the root. */
  readonly #intermediates: string
  readonly #clock: Clock

  private constructor(parts: AuthorityParts) {
    const { library, material, key, trusted, development, clock } = parts
    const { chain } = material
    const root = chain[chain.length - 1]!
    this.#library = library
    this.#issuer = new library.X509Certificate(chain[0].raw)
    this.#key = key
    this.#algorithm = material.algorithm
    this.#intermediates = pemOf(chain.filter(certificate => !certificate.checkIssued(certificate)))
    this.#clock = clock
    this.trustBundle = pemOf([root, ...trusted])
    this.expiresAt = this.#issuer.notAfter.getTime()
    this.development = development
  }

  /** The operator's own authority. */
  static async fromFiles(options: OperatorAuthorityOptions, ports: EdgeAuthorityPorts = {}): Promise<EdgeAuthority> {
    const key = await readPrivateFile(options.privateKeyFile)
    if (key === undefined) throw invalidAuthority('its key is missing', options.privateKeyFile)
    const material = parseAuthority(await readPem(options.certificateFile), {
      pem: key.toString(),
      place: options.privateKeyFile,
    })
    const { trustBundleFile } = options
    const trusted = trustBundleFile === undefined ? [] : parseCertificates(await readPem(trustBundleFile))
    return await EdgeAuthority.#create({ material, trusted, development: false }, ports)
  }

  /** An authority that is made on first start and kept in a folder. Warns on every start: it is for development only. */
  static async forDevelopment(
    options: DevelopmentAuthorityOptions,
    ports: EdgeAuthorityPorts = {},
  ): Promise<EdgeAuthority> {
    const material = await openDevelopmentAuthority(options, (ports.clock ?? systemClock).now())
    const authority = await EdgeAuthority.#create({ material, trusted: [], development: true }, ports)
    ports.logger?.log('warn', 'The certificate authority was made by this program and is for development only', {
      folder: options.folder,
      expires: new Date(authority.expiresAt).toISOString(),
    })
    return authority
  }

  /** When it expires. It is not renewed: whoever replaces it must tell clients the new trust bundle. */
  get status(): CertificateStatus {
    const { expiresAt } = this
    const notBefore = this.#issuer.notBefore.getTime()
    const state = certificateState({ notBefore, expiresAt }, this.#clock.now())
    const [commonName = ''] = this.#issuer.subjectName.getField('CN')
    return { name: 'authority', commonName, state, notBefore, expiresAt }
  }

  static async #create(
    given: Pick<AuthorityParts, 'material' | 'trusted' | 'development'>,
    { clock = systemClock, logger = silentLogger }: EdgeAuthorityPorts,
  ): Promise<EdgeAuthority> {
    const { privateKey, algorithm } = given.material
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
    const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
    const authority = new EdgeAuthority({ ...given, library: await loadX509(), key, clock })
    if (authority.expiresAt <= clock.now()) {
      logger.log('error', 'The certificate authority has expired', {
        expired: new Date(authority.expiresAt).toISOString(),
      })
    }
    return authority
  }

  async issue(request: CertificateRequest, signal?: AbortSignal): Promise<IssuedCertificate> {
    signal?.throwIfAborted()
    checkCertificateRequest(request)
    const { notBefore, notAfter } = this.#lifetime(request.validity)
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
    const certificate = await this.#library.X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(),
        subject: distinguishedName(this.#library, request.commonName),
        issuer: this.#issuer.subjectName,
        notBefore,
        notAfter,
        signingAlgorithm: this.#algorithm,
        publicKey: keys.publicKey,
        signingKey: this.#key,
        extensions: await this.#extensions(request, keys.publicKey),
      },
      webcrypto,
    )
    const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
    return {
      chain: `${certificate.toString('pem')}\n${this.#intermediates}`,
      privateKey: `${this.#library.PemConverter.encode(privateKey, 'PRIVATE KEY')}\n`,
      expiresAt: certificate.notAfter.getTime(),
    }
  }

  #lifetime(validity: number): { notBefore: Date; notAfter: Date } {
    const begin = this.#issuer.notBefore.getTime()
    // A clock that is behind the authority's own beginning is wrong: nothing may be issued for before it.
    const now = Math.max(this.#clock.now(), begin)
    if (now >= this.expiresAt) {
      throw new EdgewrightError('AUTHORITY_EXPIRED', 'The certificate authority has expired', {
        place: new Date(this.expiresAt).toISOString(),
        remedy:
          'Check the clock of this machine; then replace the authority and tell its clients the new trust bundle.',
      })
    }
    return {
      notBefore: new Date(Math.max(now - BACKDATE, begin)),
      notAfter: new Date(Math.min(now + validity, this.expiresAt)),
    }
  }

  async #extensions(request: CertificateRequest, publicKey: webcrypto.CryptoKey) {
    const x509 = this.#library
    const names = [
      ...(request.dnsNames ?? []).map(value => ({ type: 'dns' as const, value })),
      ...(request.ipAddresses ?? []).map(value => ({ type: 'ip' as const, value })),
      ...(request.uris ?? []).map(value => ({ type: 'url' as const, value })),
    ]
    const usage = x509.ExtendedKeyUsage[request.usage === 'server' ? 'serverAuth' : 'clientAuth']
    return [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(this.#issuer),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ]
  }
}

interface AuthorityParts {
  readonly library: X509Library
  readonly material: AuthorityMaterial
  readonly key: webcrypto.CryptoKey
  readonly trusted: readonly X509Certificate[]
  readonly development: boolean
  readonly clock: Clock
}

async function readPem(path: string): Promise<{ pem: string; place: string }> {
  const content = await readBounded(path).catch(cause => {
    if (EdgewrightError.is(cause)) throw cause
    throw invalidAuthority('a file cannot be read', path, cause)
  })
  return { pem: content.toString(), place: path }
}

/** One PEM text of certificates, each once. */
function pemOf(certificates: readonly X509Certificate[]): string {
  return [...new Set(certificates.map(certificate => certificate.toString()))].join('')
}
