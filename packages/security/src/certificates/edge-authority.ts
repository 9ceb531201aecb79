import { webcrypto, type X509Certificate } from 'node:crypto'
import {
  type CertificateIssuer,
  type CertificateRequest,
  type Clock,
  EdgewrightError,
  type IssuedCertificate,
  type Logger,
  memoryMeter,
  type Meter,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { readBounded, readPrivateFile } from '../private-file.js'
import { type AuthorityMaterial, invalidAuthority, parseAuthority, parseCertificates } from './authority-material.js'
import { type CertificateStatus, certificateState } from './certificate-status.js'
import { checkCertificateRequest } from './certificate-request.js'
import {
  type DevelopmentAuthorityOptions,
  developmentRenewal,
  isRenewalDue,
  openDevelopmentAuthority,
} from './development-authority.js'
import { serialNumber } from './serial-number.js'
import { P256 } from './signing-algorithm.js'
import { distinguishedName, loadX509, type X509Library } from './x509-library.js'

/** How far back a certificate reaches, for clients whose clocks are behind: one day. */
const BACKDATE = 86_400_000

/** What an authority reads the time from and tells its news to. */
export interface EdgeAuthorityPorts {
  readonly clock?: Clock
  readonly logger?: Logger
  readonly meter?: Meter
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
  /** Whether it was made by this program for trying things out. */
  readonly development: boolean

  readonly #parts: AuthorityParts
  #chain: AuthorityMaterial['chain']
  #issuer: InstanceType<X509Library['X509Certificate']>
  #renewing: Promise<void> | undefined

  private constructor(parts: AuthorityParts) {
    const { library, material, development } = parts
    this.#parts = parts
    this.#chain = material.chain
    this.#issuer = new library.X509Certificate(material.chain[0].raw)
    this.development = development !== undefined
    this.#announce()
  }

  get trustBundle(): string {
    return pemOf([this.#chain.at(-1)!, ...this.#parts.trusted])
  }

  /** Milliseconds since 1970 when the authority, or one above it, expires; nothing that it issues lasts longer. */
  get expiresAt(): number {
    return Math.min(...this.#chain.map(({ validTo }) => Date.parse(validTo)))
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
    return await EdgeAuthority.#create({ material, trusted }, ports)
  }

  /**
   * An authority that is made on first start, kept in a folder, and renewed with the key it has after four fifths of its
   * life. Warns on every start: it is for development only.
   */
  static async forDevelopment(
    options: DevelopmentAuthorityOptions,
    ports: EdgeAuthorityPorts = {},
  ): Promise<EdgeAuthority> {
    const material = await openDevelopmentAuthority(options, (ports.clock ?? systemClock).now())
    const authority = await EdgeAuthority.#create({ material, trusted: [], development: options }, ports)
    ports.logger?.log('warn', 'The certificate authority was made by this program and is for development only', {
      folder: options.folder,
      expires: new Date(authority.expiresAt).toISOString(),
    })
    return authority
  }

  /** When it expires. An operator's is not renewed here: whoever replaces it must tell clients the new trust bundle. */
  get status(): CertificateStatus {
    const { expiresAt } = this
    const notBefore = this.#issuer.notBefore.getTime()
    const { development } = this.#parts
    const renewsAt = development === undefined ? undefined : developmentRenewal(this.#chain[0], development)
    const state = certificateState({ notBefore, expiresAt, renewsAt }, this.#parts.clock.now())
    const [commonName = ''] = this.#issuer.subjectName.getField('CN')
    return { name: 'authority', commonName, state, notBefore, expiresAt, renewsAt }
  }

  static async #create(
    given: Pick<AuthorityParts, 'material' | 'trusted' | 'development'>,
    { clock = systemClock, logger = silentLogger, meter = memoryMeter() }: EdgeAuthorityPorts,
  ): Promise<EdgeAuthority> {
    const { privateKey, algorithm } = given.material
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
    const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
    const authority = new EdgeAuthority({ ...given, library: await loadX509(), key, clock, logger, meter })
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
    await this.#renewWhenDue()
    const { library, material, key } = this.#parts
    const { notBefore, notAfter } = this.#lifetime(request.validity)
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
    const certificate = await library.X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(),
        subject: distinguishedName(library, request.commonName),
        issuer: this.#issuer.subjectName,
        notBefore,
        notAfter,
        signingAlgorithm: material.algorithm,
        publicKey: keys.publicKey,
        signingKey: key,
        extensions: await this.#extensions(request, keys.publicKey),
      },
      webcrypto,
    )
    const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
    return {
      chain: `${certificate.toString('pem')}\n${pemOf(this.#chain.filter(one => !one.checkIssued(one)))}`,
      privateKey: `${library.PemConverter.encode(privateKey, 'PRIVATE KEY')}\n`,
      expiresAt: certificate.notAfter.getTime(),
    }
  }

  #renewWhenDue(): Promise<void> | undefined {
    const { development, clock } = this.#parts
    if (development === undefined || !isRenewalDue(this.#chain[0], development, clock.now())) return undefined
    this.#renewing ??= this.#renew(development).finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #renew(options: DevelopmentAuthorityOptions): Promise<void> {
    const { clock, library, logger } = this.#parts
    const before = new Date(this.expiresAt).toISOString()
    const { chain } = await openDevelopmentAuthority(options, clock.now())
    this.#chain = chain
    this.#issuer = new library.X509Certificate(chain[0].raw)
    this.#announce()
    logger.log(
      'warn',
      'The development authority was renewed: clients that are not told its new certificate go by the old',
      {
        old: before,
        expires: new Date(this.expiresAt).toISOString(),
      },
    )
  }

  #announce(): void {
    this.#parts.meter.gauge('edgewright_certificate_expiry_seconds', { name: 'authority' }).set(this.expiresAt / 1_000)
  }

  #lifetime(validity: number): { notBefore: Date; notAfter: Date } {
    const begin = this.#issuer.notBefore.getTime()
    // A clock that is behind the authority's own beginning is wrong: nothing may be issued for before it.
    const now = Math.max(this.#parts.clock.now(), begin)
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
    const x509 = this.#parts.library
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
  /** Where a development authority is kept; absent for an operator's. */
  readonly development?: DevelopmentAuthorityOptions
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
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
