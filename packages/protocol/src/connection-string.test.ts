import { EdgewrightError } from '@edgewright/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ConnectionString, formatConnectionString, parseConnectionString } from './index.js'

const words = fc.stringMatching(/^[A-Za-z0-9\-:.+%_#*?!(),=@$']{1,30}$/)
const credentials = fc.oneof(
  fc.base64String({ minLength: 4 }).map(key => ({ kind: 'key' as const, key })),
  words.map(token => ({ kind: 'token' as const, token: `SharedAccessSignature sr=${token}` })),
  fc.constant({ kind: 'certificate' as const }),
)
const identities = fc.oneof(fc.record({ deviceId: words }), fc.record({ deviceId: words, moduleId: words }))
const strings: fc.Arbitrary<ConnectionString> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('identity' as const),
      hostName: words,
      identity: identities,
      credential: credentials,
      gatewayHostName: words,
    },
    { requiredKeys: ['kind', 'hostName', 'identity', 'credential'] },
  ),
  fc.record({ kind: fc.constant('service' as const), hostName: words, policy: words, credential: credentials }),
)

describe('a connection string', () => {
  test('says after formatting what it said before', () => {
    fc.assert(
      fc.property(strings, value => {
        expect(parseConnectionString(formatConnectionString(value))).toEqual(value)
      }),
    )
  })

  test('of a module behind a gateway is read in any order and case', () => {
    expect(
      parseConnectionString(
        'gatewayhostname=gw.local:8884;ModuleId=$edgeHub;DeviceId=press;SharedAccessKey=a2V5;HOSTNAME=hub.net;',
      ),
    ).toEqual({
      kind: 'identity',
      hostName: 'hub.net',
      identity: { deviceId: 'press', moduleId: '$edgeHub' },
      credential: { kind: 'key', key: 'a2V5' },
      gatewayHostName: 'gw.local:8884',
    })
  })

  test.each([
    ['', 'HostName'],
    ['DeviceId=d;SharedAccessKey=a2V5', 'HostName'],
    ['HostName=h;SharedAccessKey=a2V5', 'DeviceId'],
    ['HostName=h;ModuleId=m;SharedAccessKey=a2V5', 'ModuleId'],
    ['HostName=h;DeviceId=d', 'exactly one'],
    ['HostName=h;DeviceId=d;SharedAccessKey=a2V5;x509=true', 'exactly one'],
    ['HostName=h;DeviceId=d;SharedAccessKey=not base64', 'base64'],
    ['HostName=h;DeviceId=d;DeviceId=e;SharedAccessKey=a2V5', 'twice'],
    ['HostName=h;secret-without-name', 'name=value'],
    [`HostName=${'h'.repeat(20_000)}`, 'too long'],
  ])('%s is refused', (text, reason) => {
    expect(() => parseConnectionString(text)).toThrow(expect.objectContaining({ code: 'CONNECTION_STRING_INVALID' }))
    expect(() => parseConnectionString(text)).toThrow(reason)
  })

  test('leaves no secret in an error', () => {
    for (const text of [
      'HostName=h;DeviceId=d;SharedAccessKey=s3cret!',
      's3cret',
      'HostName=h;SharedAccessKey=s3cret',
    ]) {
      try {
        parseConnectionString(text)
        expect.unreachable()
      } catch (error) {
        expect(EdgewrightError.is(error, 'CONNECTION_STRING_INVALID')).toBe(true)
        expect(
          JSON.stringify({ ...(error as Error), text: String(error), stack: (error as Error).stack }),
        ).not.toContain('s3cret')
      }
    }
  })
})
