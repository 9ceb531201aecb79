import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Identity, IdentityAuthentication, IdentityDirectory, IdentityRecord } from '@edgewright/core'
import { createSasToken, formatSasAudience } from '@edgewright/protocol'
import { testCertificates, virtualClock } from '@edgewright/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DirectoryAuthenticator, EdgeAuthority, type DirectoryAuthenticatorOptions } from '../src/index.js'
import { operatorAuthority } from './operator-authority.js'

const HUB = 'Plant.azure-devices.net'
const GATEWAY = 'press-hall.local'
/** A little ahead, so that what is certified here has begun. */
const NOW = Date.now() + 60_000
const HOUR = 3_600_000
const SKEW = 300_000

const key = (name: string) => createHash('sha256').update(name).digest('base64')
const keysOf = (name: string): IdentityAuthentication => ({
  type: 'symmetricKey',
  primaryKey: key(`${name} 1`),
  secondaryKey: key(`${name} 2`),
})

const DEVICE = { deviceId: 'press:7#%+' }
const MODULE = { ...DEVICE, moduleId: 'sensor%1' }

const clock = virtualClock({ start: NOW })
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-authenticator-'))
})
afterAll(() => rm(folder, { recursive: true }))

let records: Map<string, IdentityRecord>
/** What the cloud knows, where that is more than the directory does. */
let cloud: Map<string, IdentityRecord>
let asked: Identity[]

const nameOf = ({ deviceId, moduleId }: Identity) => `${deviceId}|${moduleId ?? ''}`

function record(identity: Identity, authentication: IdentityAuthentication, rest: Partial<IdentityRecord> = {}) {
  return { identity, generationId: '1', status: 'enabled', authentication, isEdgeDevice: false, ...rest } as const
}

function know(identity: Identity, authentication: IdentityAuthentication, rest: Partial<IdentityRecord> = {}): void {
  records.set(nameOf(identity), record(identity, authentication, rest))
}

beforeEach(() => {
  records = new Map()
  cloud = new Map()
  asked = []
  know(DEVICE, keysOf('device'))
  know(MODULE, keysOf('module'))
})

function authenticator(options: Partial<DirectoryAuthenticatorOptions> = {}): DirectoryAuthenticator {
  const directory: IdentityDirectory = {
    find: identity => records.get(nameOf(identity)),
    async refresh(identity) {
      asked.push(identity)
      const found = cloud.get(nameOf(identity))
      if (found !== undefined) records.set(nameOf(identity), found)
      return records.get(nameOf(identity))
    },
  }
  return new DirectoryAuthenticator({ directory, clock }, { hosts: [HUB, GATEWAY], ...options })
}

interface TokenOptions {
  readonly resource?: string
  readonly signedWith?: string
  readonly expiresAt?: number
}

/** A good token of the device, but for what is said. */
function token({ resource, signedWith = key('device 1'), expiresAt = NOW + HOUR }: TokenOptions = {}): string {
  return createSasToken({ resource: resource ?? formatSasAudience(HUB, DEVICE), key: signedWith, expiresAt })
}

const plain = `${HUB}/devices/${encodeURIComponent(DEVICE.deviceId)}`
const twice = `${HUB}/devices/${encodeURIComponent(encodeURIComponent(DEVICE.deviceId))}`
const whole = encodeURIComponent(`${HUB}/devices/${DEVICE.deviceId.replace('%', '%25')}`)
const accepted = (identity: Identity, expiresAt = NOW + HOUR) => ({
  accepted: true,
  identity,
  expiresAt: Math.ceil(expiresAt / 1_000) * 1_000,
})
const refused = (reason: string) => ({ accepted: false, reason })

// hub reference, section 4.3
describe('a token', () => {
  it.each<[string, string, object]>([
    ['signed with the primary key', token(), accepted(DEVICE)],
    ['signed with the secondary key', token({ signedWith: key('device 2') }), accepted(DEVICE)],
    ["signed with another's key", token({ signedWith: key('module 1') }), refused('wrong-signature')],
    ['for the gateway', token({ resource: formatSasAudience(GATEWAY, DEVICE) }), accepted(DEVICE)],
    [
      'for the hub in other letters',
      token({ resource: formatSasAudience(HUB.toUpperCase(), DEVICE) }),
      accepted(DEVICE),
    ],
    ['for another hub', token({ resource: formatSasAudience('other.net', DEVICE) }), refused('wrong-audience')],
    ['whose audience is encoded once', token({ resource: plain }), accepted(DEVICE)],
    ['whose audience is encoded as a whole', token({ resource: whole }), accepted(DEVICE)],
    ['whose ids are encoded twice', token({ resource: twice }), accepted(DEVICE)],
    [
      'whose ids have other letters',
      token({ resource: formatSasAudience(HUB, { deviceId: DEVICE.deviceId.toUpperCase() }) }),
      accepted(DEVICE),
    ],
    [
      'for another device',
      token({ resource: formatSasAudience(HUB, { deviceId: 'press 8' }) }),
      refused('wrong-audience'),
    ],
    ['for a module of it', token({ resource: formatSasAudience(HUB, MODULE) }), refused('wrong-audience')],
    ['for the hub as a whole', token({ resource: HUB }), refused('wrong-audience')],
    ['for a path that goes on', token({ resource: `${plain}/modules/a/more` }), refused('wrong-audience')],
    ['that lapsed within the skew', token({ expiresAt: NOW - SKEW + 2_000 }), accepted(DEVICE, NOW - SKEW + 2_000)],
    ['that lapsed before', token({ expiresAt: NOW - SKEW - 2_000 }), refused('expired')],
    ['with its fields in another order', reordered(token()), accepted(DEVICE)],
    ['with field names in capitals', token().replace(' sr=', ' SR=').replace('&se=', '&SE='), accepted(DEVICE)],
    ['with a policy that nobody reads', `${token()}&skn=`, accepted(DEVICE)],
    ['changed in its audience', token().replace('sr=', 'sr=x'), refused('wrong-audience')],
    [
      'changed in its expiry',
      token().replace(/se=\d+/, `se=${Math.ceil(NOW / 1_000) + 9_999}`),
      refused('wrong-signature'),
    ],
    ['without a signature', token().replace(/sig=[^&]+&/, ''), refused('malformed')],
    ['with half a signature', token().replace(/sig=[^&]+/, 'sig=YWJj'), refused('wrong-signature')],
    ['with an expiry that is no number', token().replace(/se=\d+/, 'se=soon'), refused('malformed')],
    ['of another scheme', token().replace('SharedAccessSignature', 'Bearer'), refused('malformed')],
    ['that is none', 'x', refused('malformed')],
    ['of three parts', `${token()} more`, refused('malformed')],
  ])('%s', async (_case, text, verdict) => {
    const credentials = { kind: 'sas', identity: DEVICE, token: text } as const
    expect(await authenticator().authenticate(credentials)).toMatchObject(verdict)
  })

  it.each<[string, TokenOptions, boolean, object]>([
    [
      'with its own key',
      { resource: formatSasAudience(HUB, MODULE), signedWith: key('module 1') },
      false,
      accepted(MODULE),
    ],
    ["with its device's key", { resource: formatSasAudience(HUB, MODULE) }, false, refused('wrong-signature')],
    ["with its device's token", {}, false, refused('wrong-audience')],
    [
      "with its device's key, where that is allowed",
      { resource: formatSasAudience(HUB, MODULE) },
      true,
      accepted(MODULE),
    ],
    ["with its device's token, where that is allowed", {}, true, accepted(MODULE)],
    ["with its device's secondary key, where that is allowed", { signedWith: key('device 2') }, true, accepted(MODULE)],
    ["with a stranger's key, where that is allowed", { signedWith: key('stranger') }, true, refused('wrong-signature')],
  ])('of a module %s', async (_case, options, deviceKeyForModules, verdict) => {
    const credentials = { kind: 'sas', identity: MODULE, token: token(options) } as const
    expect(await authenticator({ deviceKeyForModules }).authenticate(credentials)).toMatchObject(verdict)
  })

  it.each<[string, IdentityAuthentication]>([
    ['a thumbprint', { type: 'thumbprint', primary: 'ab', secondary: '' }],
    ['an authority', { type: 'certificateAuthority' }],
    ['nothing', { type: 'none' }],
  ])('is of no use to a device that is registered for %s', async (_case, authentication) => {
    know(DEVICE, authentication)
    const credentials = { kind: 'sas', identity: DEVICE, token: token() } as const
    expect(await authenticator().authenticate(credentials)).toMatchObject(refused('wrong-kind'))
  })
})

describe('who is known', () => {
  const credentials = { kind: 'sas', identity: DEVICE, token: token() } as const

  it('is answered at once, without the cloud', () => {
    expect(authenticator().authenticate(credentials)).toMatchObject({ accepted: true })
    expect(asked).toEqual([])
  })

  it('and shows what lapsed or cannot be read, likewise', () => {
    const lapsed = { ...credentials, token: token({ expiresAt: NOW - HOUR }) }
    expect(authenticator().authenticate(lapsed)).toMatchObject(refused('expired'))
    expect(authenticator().authenticate({ ...credentials, token: 'x' })).toMatchObject(refused('malformed'))
    expect(asked).toEqual([])
  })

  it('is looked up once when the keys may have changed, or it is not known yet', async () => {
    know(DEVICE, keysOf('old keys'))
    cloud.set(nameOf(DEVICE), record(DEVICE, keysOf('device')))
    expect(await authenticator().authenticate(credentials)).toMatchObject({ accepted: true })
    records.clear()
    expect(await authenticator().authenticate(credentials)).toMatchObject({ accepted: true })
    expect(asked).toEqual([DEVICE, DEVICE])
    records.clear()
    cloud.clear()
    expect(await authenticator().authenticate(credentials)).toMatchObject(refused('unknown-identity'))
  })

  it('is refused while it or its device is disabled', async () => {
    know(DEVICE, keysOf('device'), { status: 'disabled' })
    expect(await authenticator().authenticate(credentials)).toMatchObject(refused('disabled'))
    const own = token({ resource: formatSasAudience(HUB, MODULE), signedWith: key('module 1') })
    const ofModule = { kind: 'sas', identity: MODULE, token: own } as const
    expect(await authenticator().authenticate(ofModule)).toMatchObject(refused('disabled'))
    cloud.set(nameOf(DEVICE), record(DEVICE, keysOf('device')))
    expect(await authenticator().authenticate(credentials)).toMatchObject({ accepted: true })
  })
})

// hub reference, section 4.4
describe('a certificate', () => {
  const HOLDER = { deviceId: 'press-7' }
  const own = testCertificates({ commonName: 'press-7' })
  const der = (pem: string) => new X509Certificate(pem).raw
  const print = (algorithm: string, pem = own.cert) => createHash(algorithm).update(der(pem)).digest('hex')
  const thumbprint = (primary: string, secondary = '') => ({ type: 'thumbprint', primary, secondary }) as const

  const show = (
    pem: string,
    { identity = HOLDER, trustBundle = own.ca }: { identity?: Identity; trustBundle?: string } = {},
  ) => authenticator({ trustBundle }).authenticate({ kind: 'certificate', identity, certificate: der(pem) })

  it.each<[string, IdentityAuthentication, object]>([
    ['by SHA-256', thumbprint(print('sha256')), { accepted: true, identity: HOLDER }],
    ['by SHA-1', thumbprint(print('sha1')), { accepted: true }],
    ['by the secondary', thumbprint('00', print('sha256')), { accepted: true }],
    ['in capitals', thumbprint(print('sha256').toUpperCase()), { accepted: true }],
    ['with colons', thumbprint(new X509Certificate(own.cert).fingerprint256), { accepted: true }],
    ['of another', thumbprint(print('sha256', own.ca)), refused('wrong-signature')],
    ['that is empty', thumbprint('', ''), refused('wrong-signature')],
  ])('is known by a thumbprint %s', async (_case, authentication, verdict) => {
    know(HOLDER, authentication)
    expect(await show(own.cert)).toMatchObject(verdict)
  })

  it('is good until it ends, to the second', async () => {
    know(HOLDER, thumbprint(print('sha256')))
    expect(await show(own.cert)).toMatchObject({ expiresAt: Date.parse(new X509Certificate(own.cert).validTo) })
  })

  it.each<[string, { notBefore: number; notAfter: number }]>([
    ['has ended', { notBefore: NOW - 2 * HOUR, notAfter: NOW - HOUR }],
    ['has not begun', { notBefore: NOW + HOUR, notAfter: NOW + 2 * HOUR }],
  ])('that %s is refused, whoever knows it', async (_case, { notBefore, notAfter }) => {
    const dates = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
    const { ca, cert } = testCertificates({ commonName: 'press-7', ...dates })
    know(HOLDER, thumbprint(print('sha256', cert)))
    expect(await show(cert)).toMatchObject(refused('expired'))
    know(HOLDER, { type: 'certificateAuthority' })
    expect(await show(cert, { trustBundle: ca })).toMatchObject(refused('expired'))
  })

  it.each<[string, () => { cert: string; trust: string }, object]>([
    ['of an authority that is trusted', () => ({ cert: own.cert, trust: own.ca }), { accepted: true }],
    [
      'of an authority among others',
      () => ({ cert: own.cert, trust: testCertificates().ca + own.ca }),
      { accepted: true },
    ],
    [
      'of another authority of the same name',
      () => ({ cert: own.cert, trust: testCertificates().ca }),
      refused('wrong-signature'),
    ],
    ['where no authority is trusted', () => ({ cert: own.cert, trust: '' }), refused('wrong-signature')],
    [
      'of another name',
      () => {
        const { ca, cert } = testCertificates({ commonName: 'press-8' })
        return { cert, trust: ca }
      },
      refused('wrong-signature'),
    ],
    [
      'of the name in other letters',
      () => {
        const { ca, cert } = testCertificates({ commonName: 'PRESS-7' })
        return { cert, trust: ca }
      },
      refused('wrong-signature'),
    ],
    [
      'whose further name is the device',
      () => {
        const { ca, cert } = testCertificates({ commonName: 'other', dnsNames: ['press-7'] })
        return { cert, trust: ca }
      },
      refused('wrong-signature'),
    ],
    [
      'issued by a device of that authority',
      () => ({ cert: testCertificates({ commonName: 'press-7' }).cert, trust: own.cert }),
      refused('wrong-signature'),
    ],
  ])('%s is judged by it', async (_case, make, verdict) => {
    const { cert, trust } = make()
    know(HOLDER, { type: 'certificateAuthority' })
    expect(await show(cert, { trustBundle: trust })).toMatchObject(verdict)
  })

  it.each([true, false])(
    'that intermediates issued counts when they are shown with it, in order: %s',
    async inOrder => {
      const root = await operatorAuthority('Plant root', 'ECDSA')
      const country = await operatorAuthority('Country', 'RSASSA-PKCS1-v1_5', root)
      const site = await operatorAuthority('Site', 'ECDSA', country)
      const paths = { certificateFile: join(folder, 'site.pem'), privateKeyFile: join(folder, 'site.key') }
      await writeFile(paths.certificateFile, site.certificate)
      await writeFile(paths.privateKeyFile, site.privateKey, { mode: 0o600 })
      const issuer = await EdgeAuthority.fromFiles(paths)
      const { chain } = await issuer.issue({ commonName: 'press-7', usage: 'client', validity: HOUR })
      know(HOLDER, { type: 'certificateAuthority' })
      const issuers = [site, country].map(({ certificate }) => der(certificate))
      const shown = { kind: 'certificate', identity: HOLDER, certificate: der(chain) } as const
      const trusting = authenticator({ trustBundle: root.certificate })
      expect(await trusting.authenticate({ ...shown, issuers: inOrder ? issuers : issuers.reverse() })).toMatchObject(
        inOrder ? { accepted: true } : refused('wrong-signature'),
      )
      expect(await trusting.authenticate(shown)).toMatchObject(refused('wrong-signature'))
      const stranger = authenticator({ trustBundle: testCertificates().ca })
      expect(await stranger.authenticate({ ...shown, issuers })).toMatchObject(refused('wrong-signature'))
      const forged = [der(own.cert), der(root.certificate)]
      expect(await trusting.authenticate({ ...shown, issuers: forged })).toMatchObject(refused('wrong-signature'))
    },
  )

  it('that a module got of the edge authority makes it no device, whatever name it asked for', async () => {
    const issuer = await EdgeAuthority.forDevelopment({ folder })
    const common = { commonName: 'press-7', validity: HOUR } as const
    const server = await issuer.issue({ ...common, usage: 'server', dnsNames: ['press-7'] })
    const uris = ['azureiot://plant.azure-devices.net/devices/edge/modules/press-7']
    const identity = await issuer.issue({ ...common, usage: 'client', uris })
    const device = await issuer.issue({ ...common, usage: 'client' })
    know(HOLDER, { type: 'certificateAuthority' })
    const { trustBundle } = issuer
    expect(await show(server.chain, { trustBundle })).toMatchObject(refused('wrong-signature'))
    expect(await show(identity.chain, { trustBundle })).toMatchObject(refused('wrong-signature'))
    expect(await show(device.chain, { trustBundle })).toMatchObject({ accepted: true })
  })

  it('that is an authority itself is no device', async () => {
    const root = await operatorAuthority('Plant', 'ECDSA')
    const { certificate } = await operatorAuthority('press-7', 'ECDSA', root)
    know(HOLDER, { type: 'certificateAuthority' })
    expect(await show(certificate, { trustBundle: root.certificate })).toMatchObject(refused('wrong-signature'))
  })

  it('is of no use to a module, to a device with keys, or to nobody', async () => {
    know({ ...HOLDER, moduleId: 'sensor' }, thumbprint(print('sha256')))
    expect(await show(own.cert, { identity: { ...HOLDER, moduleId: 'sensor' } })).toMatchObject(refused('wrong-kind'))
    know(HOLDER, keysOf('device'))
    expect(await show(own.cert)).toMatchObject(refused('wrong-kind'))
    records.clear()
    expect(await show(own.cert)).toMatchObject(refused('unknown-identity'))
  })

  it('that cannot be read is refused', async () => {
    know(HOLDER, thumbprint(print('sha256')))
    const certificate = Buffer.from('no certificate')
    const verdict = authenticator().authenticate({ kind: 'certificate', identity: HOLDER, certificate })
    expect(await verdict).toMatchObject(refused('malformed'))
  })
})

function reordered(text: string): string {
  const [scheme, fields = ''] = text.split(' ')
  return `${scheme} ${fields.split('&').reverse().join('&')}`
}
