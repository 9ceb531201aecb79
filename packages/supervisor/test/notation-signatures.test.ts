import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ImageRule, ImageRules, OciRegistry } from '../src/index.js'
import {
  type Algorithm,
  type CertificateFlaws,
  type Holder,
  issue,
  KEYS,
  makeRoot,
  notate,
  Extension,
  KeyUsageFlags,
} from './support/notation.js'
import { Registry } from './support/registry.js'

type Change = Parameters<typeof notate>[3]

const OTHER = `sha256:${'0'.repeat(64)}`
const BEFORE = new Date('2020-01-01T00:00:00Z')

describe('Notation signatures of images', () => {
  const registry = new Registry()
  let host: string
  let root: Holder
  let count = 0

  beforeAll(async () => {
    host = await registry.start()
    root = await makeRoot('Plant authority')
  })

  afterAll(() => registry.stop())

  function rules(more: Partial<ImageRule> = {}): ImageRules {
    const client = new OciRegistry({ credentials: () => [registry.credential], insecure: [host] })
    const certificates = [root.certificate.toString('pem')]
    return new ImageRules({ rules: [{ from: host, certificates, ...more }], registry: client })
  }

  /** An image of its own. */
  function pushed() {
    const repository = `line-3/app-${count++}`
    return { repository, digest: registry.push(repository, '1', repository), image: `${host}/${repository}:1` }
  }

  async function signed(signer: CertificateFlaws = {}, change: Change = {}) {
    const pushedImage = pushed()
    const holder = await issue(root, 'Release', { algorithm: change?.algorithm ?? 'ES256', ...signer })
    await notate(registry, pushedImage, [holder, root], change)
    return pushedImage
  }

  it.each(Object.keys(KEYS) as Algorithm[])('count when they were made with %s', async algorithm => {
    const { image, digest } = await signed({}, { algorithm })
    expect(await rules().verify(image)).toEqual({ digest, evidence: `it comes from ${host}, signed by CN=Release` })
  })

  it('count by way of an intermediate authority, without the root, and from the tag where nothing is listed', async () => {
    const intermediate = await issue(root, 'Line authority', { isAuthority: true, pathLength: 0 })
    const signer = await issue(intermediate, 'Release')
    for (const by of ['listing', 'tag'] as const) {
      const pushedImage = pushed()
      await notate(registry, pushedImage, [signer, intermediate], { by })
      expect((await rules().verify(pushedImage.image)).evidence).toContain('signed by CN=Release')
    }
  })

  it('count when one of several does, beside keys, and when the signer itself is trusted', async () => {
    const pushedImage = pushed()
    const stranger = await makeRoot('Stranger')
    await notate(registry, pushedImage, [await issue(stranger, 'Release'), stranger])
    const lonely = await makeRoot('Lonely', { isAuthority: false })
    await notate(registry, pushedImage, [lonely])
    const certificates = [lonely.certificate.toString('pem')]
    expect((await rules({ certificates }).verify(pushedImage.image)).evidence).toContain('signed by CN=Lonely')
    await expect(rules().verify(pushedImage.image)).rejects.toMatchObject({ code: 'IMAGE_REFUSED' })
  })

  it('are wanted anew when a tag comes to mean another image', async () => {
    const { image, repository } = await signed()
    await rules().verify(image)
    registry.push(repository, '1', 'another')
    await expect(rules().verify(image)).rejects.toMatchObject({ code: 'IMAGE_REFUSED', place: image })
  })

  it.each<[string, CertificateFlaws, Change, RegExp]>([
    ['names another digest', {}, { envelope: e => set(e.payload.targetArtifact, 'digest', OTHER) }, /another image/],
    ['names another size', {}, { envelope: e => set(e.payload.targetArtifact, 'size', 1) }, /size/],
    ['names another type', {}, { envelope: e => set(e.payload.targetArtifact, 'mediaType', 'x/y') }, /media type/],
    ['refers to another image', {}, { manifest: m => set(m, 'subject', { digest: OTHER }) }, /refers to another/],
    ['has a tampered payload', {}, { text: t => set(t, 'payload', encoded({ targetArtifact: {} })) }, /does not hold/],
    ['has a tampered header', {}, { text: t => set(t, 'protected', encoded({ alg: 'ES256' })) }, /does not hold/],
    ['has no signature', {}, { text: t => set(t, 'signature', '') }, /no signature/],
    ['has the algorithm none', {}, { envelope: e => set(e.headers, 'alg', 'none') }, /algorithm is none/],
    ['has a keyed hash', {}, { envelope: e => set(e.headers, 'alg', 'HS256') }, /algorithm is none/],
    ['names the algorithm of another key', {}, { envelope: e => set(e.headers, 'alg', 'PS256') }, /belong to its key/],
    ['has no critical headers', {}, { envelope: e => set(e.headers, 'crit', undefined) }, /not marked as critical/],
    ['has an unknown critical header', {}, { envelope: e => set(e.headers, 'crit', [...CRIT, 'x']) }, /not understood/],
    [
      'names a critical header that is missing',
      {},
      { envelope: e => set(e.headers, 'crit', [...CRIT, EXPIRY]) },
      /missing/,
    ],
    ['has expired', {}, { envelope: e => expire(e.headers, [...CRIT, EXPIRY]) }, /it has expired/],
    ['has an expiry that is not critical', {}, { envelope: e => expire(e.headers, CRIT) }, /expiry is not marked/],
    ['has another scheme', {}, { envelope: e => set(e.headers, CRIT[0]!, 'notary.other') }, /scheme is not/],
    ['has no signing time', {}, { envelope: e => set(e.headers, TIME, undefined) }, /signing time is missing/],
    ['is of the future', {}, { envelope: e => set(e.headers, TIME, '2099-01-01T00:00:00Z') }, /in the future/],
    [
      'is older than its certificate',
      {},
      { envelope: e => set(e.headers, TIME, '2021-01-01T00:00:00Z') },
      /not valid yet/,
    ],
    ['has another payload type', {}, { envelope: e => set(e.headers, 'cty', 'text/plain') }, /of another type/],
    ['has an expired certificate', { notBefore: BEFORE, notAfter: new Date('2021-01-01') }, {}, /has expired/],
    ['has a certificate for servers', { extendedUsages: ['1.3.6.1.5.5.7.3.1'] }, {}, /not for signing code/],
    ['has a certificate for nothing', { extendedUsages: [] }, {}, /not for signing code/],
    ['has a certificate for key exchange', { usages: KeyUsageFlags.keyAgreement }, {}, /not for signatures/],
    [
      'has the certificate of an authority',
      { isAuthority: true, usages: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign },
      {},
      /of an authority/,
    ],
    [
      'has an extension nobody knows',
      { more: [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))] },
      {},
      /1\.2\.3\.4/,
    ],
    ['has no certificates', {}, { envelope: e => set(e, 'chain', []) }, /brings no certificate/],
    ['has too many', {}, { envelope: e => set(e, 'chain', Array(9).fill(e.chain[0])) }, /more than 8/],
    ['has a chain that is none', {}, { envelope: e => set(e, 'chain', [e.chain[0], e.chain[0]]) }, /do not follow/],
    ['is a COSE envelope', {}, { manifest: m => layer(m, { mediaType: 'application/cose' }) }, /COSE/],
    ['is too large', {}, { manifest: m => layer(m, { size: 1e9 }) }, /more than 262144/],
    ['says another size of itself', {}, { manifest: m => layer(m, { size: 7 }) }, /another size/],
    ['has two envelopes', {}, { manifest: m => set(m, 'layers', [{}, {}]) }, /not one envelope/],
  ])('do not count when one %s', async (_, signer, change, reason) => {
    const { image } = await signed(signer, change)
    const error = await rules()
      .verify(image)
      .catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'IMAGE_REFUSED', place: image, message: expect.stringMatching(reason) })
    expect((await rules({ signatures: 'warn' }).verify(image)).evidence).toContain('not signed')
    expect((await rules({ signatures: 'off' }).verify(image)).evidence).not.toContain('signed')
  })

  it('do not count when their root made itself, or an issuer may not issue', async () => {
    const false_ = await makeRoot('Plant authority')
    const self = pushed()
    await notate(registry, self, [await issue(false_, 'Release'), false_])
    await expect(rules().verify(self.image)).rejects.toThrow(/nobody who is trusted/)

    const chain = pushed()
    const clerk = await issue(root, 'Clerk')
    await notate(registry, chain, [await issue(clerk, 'Release'), clerk, root])
    await expect(rules().verify(chain.image)).rejects.toThrow(/do not follow/)

    const long = pushed()
    const short = await issue(root, 'Short', { isAuthority: true, pathLength: 0 })
    const below = await issue(short, 'Below', { isAuthority: true })
    await notate(registry, long, [await issue(below, 'Release'), below, short, root])
    await expect(rules().verify(long.image)).rejects.toThrow(/so long a chain/)
  })

  it('need somebody to be trusted, and certificates that can be read', () => {
    expect(() => rules({ certificates: [], signatures: 'required' })).toThrow(/trusts nobody/)
    expect(() => rules({ certificates: ['nonsense'] })).toThrow(/no PEM/)
  })
})

const CRIT: readonly string[] = ['io.cncf.notary.signingScheme']
const EXPIRY = 'io.cncf.notary.expiry'
const TIME = 'io.cncf.notary.signingTime'

function set(object: object, name: string, value: unknown): void {
  ;(object as Record<string, unknown>)[name] = value
}

function expire(headers: Record<string, unknown>, crit: readonly string[]): void {
  headers[EXPIRY] = '2021-01-01T00:00:00Z'
  headers.crit = crit
}

function layer(manifest: Record<string, unknown>, change: object): void {
  const [only] = manifest.layers as [object]
  manifest.layers = [{ ...only, ...change }]
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
