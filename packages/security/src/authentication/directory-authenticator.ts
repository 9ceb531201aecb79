import { createHash, X509Certificate } from 'node:crypto'
import type {
  Authentication,
  AuthenticationRefusal,
  Authenticator,
  Clock,
  Credentials,
  Identity,
  IdentityDirectory,
  IdentityRecord,
} from '@edgewright/core'
import { parseSasToken, Refusal, type SasToken, verifySasToken } from '@edgewright/protocol'

/** What a {@link DirectoryAuthenticator} works with. */
export interface DirectoryAuthenticatorComponents {
  readonly directory: IdentityDirectory
  readonly clock: Clock
}

/** What a {@link DirectoryAuthenticator} accepts. */
export interface DirectoryAuthenticatorOptions {
  /** Hosts a token's audience may name: the cloud hub's and this gateway's own. */
  readonly hosts: readonly string[]
  /** Whether a module may show a token signed with its device's key. @default false */
  readonly deviceKeyForModules?: boolean | undefined
  /** PEM of authorities whose certificates may name devices. @default none */
  readonly trustBundle?: string | undefined
}

/**
 * Holds credentials against what the directory knows. Answers at once for a known identity whose credentials are good;
 * an unknown one, or one whose keys do not fit (they may have changed), is looked up in the cloud first.
 */
export class DirectoryAuthenticator implements Authenticator {
  readonly #parts: DirectoryAuthenticatorComponents
  readonly #options: DirectoryAuthenticatorOptions
  readonly #authorities: readonly X509Certificate[]

  constructor(components: DirectoryAuthenticatorComponents, options: DirectoryAuthenticatorOptions) {
    this.#parts = components
    this.#options = options
    this.#authorities = certificatesOf(options.trustBundle ?? '')
  }

  authenticate(credentials: Credentials): Authentication | Promise<Authentication> {
    const check = this.#checkOf(credentials)
    if (typeof check !== 'function') return check
    const { directory } = this.#parts
    const { identity } = credentials
    const verdict = check(directory.find(identity), this.#deviceOf(identity))
    return verdict.accepted || !mayHaveChanged(verdict.reason) ? verdict : this.#afterRefresh(identity, check)
  }

  async #afterRefresh(identity: Identity, check: Check): Promise<Authentication> {
    const record = await this.#parts.directory.refresh(identity)
    return check(record, this.#deviceOf(identity))
  }

  #deviceOf({ deviceId, moduleId }: Identity): IdentityRecord | undefined {
    return moduleId === undefined ? undefined : this.#parts.directory.find({ deviceId })
  }

  #checkOf(credentials: Credentials): Check | Authentication {
    if (credentials.kind === 'certificate') return record => this.#checkCertificate(credentials, record)
    const token = parseSasToken(credentials.token)
    if (token instanceof Refusal) return refuse('malformed', token.reason)
    return (record, device) => this.#checkToken(token, credentials.identity, record, device)
  }

  #checkToken(
    token: SasToken,
    identity: Identity,
    record: IdentityRecord | undefined,
    device: IdentityRecord | undefined,
  ): Authentication {
    const unusable = unusableRecord(record, device, 'symmetricKey')
    if (unusable !== undefined) return unusable
    const { hosts, deviceKeyForModules = false } = this.#options
    const now = this.#parts.clock.now()
    const byDevice = deviceKeyForModules && device !== undefined
    const identities = byDevice ? [identity, device.identity] : [identity]
    const keys = byDevice ? [...keysOf(record!), ...keysOf(device)] : keysOf(record!)
    const verdict = verifySasToken(token, { hosts, identities, keys, now })
    return verdict.valid
      ? { accepted: true, identity, expiresAt: verdict.expiresAt }
      : refuse(verdict.reason, `the token of ${identity.deviceId} does not hold`)
  }

  #checkCertificate(
    { identity, certificate, issuers = [] }: Extract<Credentials, { kind: 'certificate' }>,
    record: IdentityRecord | undefined,
  ): Authentication {
    if (identity.moduleId !== undefined) return refuse('wrong-kind', 'modules may not use certificates')
    const type = record?.authentication.type
    const unusable = unusableRecord(record, undefined, type === 'thumbprint' ? 'thumbprint' : 'certificateAuthority')
    if (unusable !== undefined) return unusable
    const shown = parseCertificate(certificate)
    if (shown === undefined) return refuse('malformed', 'the certificate cannot be read')
    const now = this.#parts.clock.now()
    const expiresAt = Date.parse(shown.validTo)
    if (now < Date.parse(shown.validFrom) || now > expiresAt)
      return refuse('expired', 'the certificate is not valid now')
    const { authentication } = record!
    const fits =
      authentication.type === 'thumbprint'
        ? hasThumbprint(certificate, [authentication.primary, authentication.secondary])
        : isOfDevice(shown, identity.deviceId) && this.#leadsToAuthority(shown, issuers, now)
    return fits
      ? { accepted: true, identity, expiresAt }
      : refuse('wrong-signature', 'the certificate is not the registered one')
  }

  /** Whether an authority issued it, or one of the certificates that were shown with it, which then must lead to one. */
  #leadsToAuthority(certificate: X509Certificate, issuers: readonly Uint8Array[], now: number): boolean {
    if (this.#authorities.some(authority => isIssuedBy(certificate, authority, now))) return true
    const [der, ...rest] = issuers
    const issuer = der === undefined ? undefined : parseCertificate(der)
    return issuer !== undefined && isIssuedBy(certificate, issuer, now) && this.#leadsToAuthority(issuer, rest, now)
  }
}

type Check = (record: IdentityRecord | undefined, device: IdentityRecord | undefined) => Authentication

function unusableRecord(
  record: IdentityRecord | undefined,
  device: IdentityRecord | undefined,
  kind: IdentityRecord['authentication']['type'],
): Authentication | undefined {
  if (record === undefined) return refuse('unknown-identity', 'neither this gateway nor the cloud knows it')
  if (record.status === 'disabled' || device?.status === 'disabled')
    return refuse('disabled', 'it is disabled in the cloud')
  if (record.authentication.type !== kind) {
    return refuse('wrong-kind', `it is registered for ${record.authentication.type}`)
  }
  return undefined
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2'

/**
 * Whether a certificate can be that of a device. Modules get certificates of the edge authority too, for server names of
 * their choice or their own id: with those they must not be taken for a device of that name.
 */
function isOfDevice(certificate: X509Certificate, deviceId: string): boolean {
  const { ca, keyUsage, subjectAltName = '' } = certificate
  const isForClients = keyUsage === undefined || keyUsage.includes(CLIENT_AUTHENTICATION)
  return !ca && isForClients && commonName(certificate) === deviceId && !OF_MODULE.test(subjectAltName)
}

/** The name that identity certificates of modules carry. */
const OF_MODULE = /URI:azureiot:\/\/[^,]*\/modules\//i

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate, now: number): boolean {
  const isInTime = Date.parse(issuer.validFrom) <= now && now <= Date.parse(issuer.validTo)
  return issuer.ca && isInTime && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** Whether the cloud may know better than we do. */
function mayHaveChanged(reason: AuthenticationRefusal): boolean {
  return ['unknown-identity', 'disabled', 'wrong-signature', 'wrong-kind'].includes(reason)
}

function refuse(reason: AuthenticationRefusal, detail: string): Authentication {
  return { accepted: false, reason, detail }
}

function keysOf({ authentication }: IdentityRecord): readonly string[] {
  if (authentication.type !== 'symmetricKey') return []
  return [authentication.primaryKey, authentication.secondaryKey].filter(key => key !== '')
}

function parseCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

function certificatesOf(bundle: string): readonly X509Certificate[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map(pem => new X509Certificate(pem))
}

function commonName(certificate: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1]
}

function hasThumbprint(der: Uint8Array, thumbprints: readonly string[]): boolean {
  const actual = ['sha1', 'sha256'].map(algorithm => createHash(algorithm).update(der).digest('hex'))
  return thumbprints.some(thumbprint => actual.includes(thumbprint.replaceAll(':', '').toLowerCase()))
}
