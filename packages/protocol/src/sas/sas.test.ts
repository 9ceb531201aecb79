import azure from 'azure-iot-common'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createSasToken,
  formatSasAudience,
  formatSasToken,
  MAX_SAS_TOKEN_LENGTH,
  parseSasAudience,
  parseSasToken,
  Refusal,
  SAS_CLOCK_SKEW,
  type SasExpectation,
  type SasToken,
  verifySasToken,
} from '../index.js'

const KEY = Buffer.from('primary key of dev1').toString('base64')
const OTHER_KEY = Buffer.from('some other key').toString('base64')
const NOW = Date.UTC(2026, 0, 1)
const HOST = 'hub.example.net'

function parsed(text: string): SasToken {
  const token = parseSasToken(text)
  if (token instanceof Refusal) throw new Error(token.reason)
  return token
}

function verdict(text: string, expected: Partial<SasExpectation> = {}) {
  return verifySasToken(parsed(text), {
    hosts: [HOST, 'gateway.local'],
    identities: [{ deviceId: 'dev1' }],
    keys: [OTHER_KEY, KEY],
    now: NOW,
    ...expected,
  })
}

const ids = fc.stringMatching(/^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,40}$/)
const identities = fc.oneof(fc.record({ deviceId: ids }), fc.record({ deviceId: ids, moduleId: ids }))

describe('a token', () => {
  test('says after formatting what it said before', () => {
    const tokens = fc.record({
      resource: identities.map(identity => formatSasAudience(HOST, identity)),
      signature: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes)),
      expiry: fc.nat().map(String),
      policy: fc.option(ids, { nil: undefined }),
    })
    fc.assert(
      fc.property(tokens, token => {
        expect(parseSasToken(formatSasToken(token))).toEqual(token)
      }),
    )
  })

  test.each([
    ['SharedAccessSignature sig=AA%3D%3D&se=7&sr=a', 'fields in another order'],
    ['SharedAccessSignature SR=a&SIG=AA%3D%3D&Se=7&skn=', 'names in capitals, an empty policy'],
    ['SharedAccessSignature sr=a&sig=AA==&se=7&extra=1', 'a signature left unencoded, an unknown field'],
  ])('%s is read (%s)', text => {
    expect(parseSasToken(text)).toEqual({ resource: 'a', signature: Buffer.from([0]), expiry: '7' })
  })

  test.each([
    ['', 0, 'begin'],
    ['Bearer sr=a&sig=b&se=1', 0, 'begin'],
    ['SharedAccessSignature', 21, 'whitespace'],
    ['SharedAccessSignature  sr=a&sig=b&se=1', 21, 'whitespace'],
    ['SharedAccessSignature sr=a&sig=b&se=1 ', 21, 'whitespace'],
    ['SharedAccessSignature sr=a&sig=b', 22, 'present'],
    ['SharedAccessSignature sr=a&sig&se=1', 27, 'no value'],
    ['SharedAccessSignature sr=a&sig=b&se=1&sr=c', 38, 'twice'],
    ['SharedAccessSignature sr=a&sig=b&se=soon', 36, 'number'],
    ['SharedAccessSignature sr=a&sig=b&se=-1', 36, 'number'],
    ['SharedAccessSignature sr=a&sig=%zz&se=1', 31, 'percent'],
    [`SharedAccessSignature sr=${'a'.repeat(MAX_SAS_TOKEN_LENGTH)}&sig=b&se=1`, MAX_SAS_TOKEN_LENGTH, 'too long'],
  ])('%s is refused at %i', (text, offset, reason) => {
    expect(parseSasToken(text)).toMatchObject({ offset, reason: expect.stringContaining(reason) })
    expect(parseSasToken(text)).toBeInstanceOf(Refusal)
  })

  test('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        parseSasToken(`SharedAccessSignature ${text}`)
        parseSasAudience(text)
      }),
    )
  })
})

describe('an audience', () => {
  test('names the identity it was made for, whichever characters the ids have', () => {
    fc.assert(
      fc.property(identities, identity => {
        expect(parseSasAudience(formatSasAudience(HOST, identity))).toMatchObject({ host: HOST, identity })
      }),
    )
  })

  test.each([
    ['Hub.Example.net/devices/dev1', { host: HOST, identity: { deviceId: 'dev1' } }],
    [
      'hub.example.net%2Fdevices%2Fdev1%2Fmodules%2F%2524edgeHub',
      { identity: { deviceId: 'dev1', moduleId: '$edgeHub' } },
    ],
    [
      'hub.example.net%2fdevices%2fdev1%2fmodules%2f%24edgeHub',
      { identity: { deviceId: 'dev1', moduleId: '$edgeHub' } },
    ],
    ['hub.example.net/devices/50%25', { identity: { deviceId: '50%' } }],
    [HOST, { host: HOST, path: [] }],
    ['sb%3A%2F%2Fhub.example.net%2Fevents%2F', { host: HOST, path: ['events'] }],
  ])('%s', (resource, expected) => {
    expect(parseSasAudience(resource)).toMatchObject(expected)
  })

  test('of a hub as a whole, or of an unknown form, names no identity', () => {
    for (const resource of [HOST, `${HOST}/messages/events/x/y/z`, `${HOST}/events`, `${HOST}/devices/`]) {
      expect(parseSasAudience(resource)).not.toHaveProperty('identity')
    }
  })

  test('that cannot be decoded, or has no host, is refused', () => {
    expect(parseSasAudience('%e0%a4%a')).toBeInstanceOf(Refusal)
    expect(parseSasAudience('/devices/dev1')).toBeInstanceOf(Refusal)
  })
})

describe('the verdict', () => {
  const resource = formatSasAudience(HOST, { deviceId: 'dev1' })
  const expiresAt = NOW + 3_600_000
  const token = createSasToken({ resource, expiresAt, key: KEY })

  test('accepts what the Azure library signs', () => {
    const theirs = azure.SharedAccessSignature.create(`${HOST}/devices/dev1`, null as never, KEY, expiresAt / 1000)
    expect(verdict(theirs.toString())).toEqual({ valid: true, expiresAt })
  })

  test('accepts either key, the gateway as host, and ids in another case', () => {
    expect(verdict(token)).toEqual({ valid: true, expiresAt })
    expect(verdict(token, { keys: [KEY, OTHER_KEY] }).valid).toBe(true)
    expect(verdict(token, { identities: [{ deviceId: 'DEV1' }] }).valid).toBe(true)
    const gateway = formatSasAudience('GATEWAY.local', { deviceId: 'dev1' })
    expect(verdict(createSasToken({ resource: gateway, expiresAt, key: KEY })).valid).toBe(true)
  })

  test('takes the signed audience as it stands, in whatever hexadecimal case', () => {
    const lower = createSasToken({ resource: resource.toLowerCase(), expiresAt, key: KEY })
    expect(verdict(lower).valid).toBe(true)
    expect(verdict(lower.replace('%2f', '%2F'))).toEqual({ valid: false, reason: 'wrong-signature' })
  })

  test('lets the clocks differ by the skew, and no more', () => {
    expect(verdict(token, { now: expiresAt + SAS_CLOCK_SKEW }).valid).toBe(true)
    expect(verdict(token, { now: expiresAt + SAS_CLOCK_SKEW + 1 })).toEqual({ valid: false, reason: 'expired' })
    expect(verdict(token, { now: expiresAt + 1, skew: 0 })).toEqual({ valid: false, reason: 'expired' })
  })

  test('refuses another host, another identity, and a device token for a module', () => {
    const refused = { valid: false, reason: 'wrong-audience' }
    expect(verdict(token, { hosts: ['elsewhere.net'] })).toEqual(refused)
    expect(verdict(token, { identities: [{ deviceId: 'dev2' }] })).toEqual(refused)
    expect(verdict(token, { identities: [{ deviceId: 'dev1', moduleId: 'm' }] })).toEqual(refused)
  })

  test('refuses a foreign key, a changed field and a signature of another length', () => {
    const refused = { valid: false, reason: 'wrong-signature' }
    expect(verdict(token, { keys: [OTHER_KEY] })).toEqual(refused)
    expect(verdict(token, { keys: [] })).toEqual(refused)
    expect(verdict(token.replace(/se=\d+/, `se=${expiresAt / 1000 + 1}`))).toEqual(refused)
    expect(verdict(token.replace(/sig=[^&]+/, 'sig=AAAA'))).toEqual(refused)
  })

  test('of a policy token looks at the host alone', () => {
    const service = createSasToken({ resource: HOST, expiresAt, key: KEY, policy: 'service' })
    expect(parsed(service).policy).toBe('service')
    expect(verdict(service, { identities: [] }).valid).toBe(true)
  })
})
