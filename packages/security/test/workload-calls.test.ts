import { createHmac, createPrivateKey, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { WORKLOAD_API_VERSIONS } from '../src/index.js'
import { startWorkload, type TestWorkload } from './support/workload.js'
import { callWorkload, type WorkloadCallOptions } from './support/workload-client.js'

const DAY = 86_400_000
const GENERATION = '638000000000000001'
const OWN = `/modules/sensor/genid/${GENERATION}`
const base64 = (text: string) => Buffer.from(text).toString('base64')

let workload: TestWorkload
let uri: string
beforeAll(async () => {
  workload = await startWorkload({
    reservedNames: ['press-7.local', '10.0.0.7', '2001:db8::1'],
    limits: { burst: 10_000 },
  })
  uri = (await workload.api.open('sensor')).uri
})
afterAll(() => workload[Symbol.asyncDispose]())

const call = (method: string, path: string, options?: WorkloadCallOptions) => callWorkload(uri, method, path, options)

describe('good calls', () => {
  it('gives the trust bundle as PEM text, for every api-version that clients send', async () => {
    for (const version of WORKLOAD_API_VERSIONS) {
      const reply = await call('GET', '/trust-bundle', { version })
      expect(reply).toMatchObject({ status: 200, type: 'application/json' })
      expect(reply.json).toEqual({ certificate: workload.authority.trustBundle })
    }
  })

  it.each([
    ['as the Node and C# clients ask', { keyId: 'primary', algo: 'HMACSHA256' }, {}],
    [
      'with a character set, as the C client asks',
      { keyId: 'primary' },
      { 'content-type': 'application/json; charset=utf-8' },
    ],
    ['whatever key and algorithm the body names', { keyId: 'secondary', algo: 'MD5' }, {}],
    ['with neither of them', {}, {}],
  ])('signs %s', async (_case, rest, headers) => {
    const data = 'plant.azure-devices.net%2Fdevices%2Fpress%207%2Fmodules%2Fsensor\n1767225600'
    const reply = await call('POST', `${OWN}/sign`, { body: { ...rest, data: base64(data) }, headers })
    const digest = createHmac('sha256', workload.keys.get('sensor')!).update(data).digest('base64')
    expect(reply).toMatchObject({ status: 200, type: 'application/json', json: { digest } })
  })

  it('signs what comes without a content type, as the Python client sends it', async () => {
    const reply = await call('POST', `${OWN}/sign`, { body: JSON.stringify({ data: base64('x') }) })
    expect(reply.status).toBe(200)
  })

  it('takes the own id encoded, as it is, and with other things in the query', async () => {
    const own = (await workload.api.open('$edgeAgent')).uri
    for (const id of ['%24edgeAgent', '$edgeAgent']) {
      const path = `/modules/${id}/genid/${GENERATION}/sign?x=1&api-version=2018-06-28`
      expect((await callWorkload(own, 'POST', path, { body: { data: '' } })).status).toBe(200)
    }
  })

  it('encrypts and decrypts', async () => {
    const initializationVector = base64('0123456789abcdef')
    const body = { plaintext: base64('the deployment'), initializationVector }
    const first = await call('POST', `${OWN}/encrypt`, { body })
    const second = await call('POST', `${OWN}/encrypt`, { body })
    expect(first).toMatchObject({ status: 200, json: { ciphertext: expect.any(String) } })
    expect(second.json.ciphertext).not.toBe(first.json.ciphertext)
    const { ciphertext } = first.json
    const opened = await call('POST', `${OWN}/decrypt`, { body: { ciphertext, initializationVector } })
    expect(opened).toMatchObject({ status: 200, json: { plaintext: body.plaintext } })
  })

  it('issues a server certificate for the name asked for and its own, for 30 days', async () => {
    const body = { commonName: 'proxy.plant.local', expiration: '2026-01-02T00:00:00Z' }
    const { status, json } = await call('POST', `${OWN}/certificate/server`, { body })
    const certificate = new X509Certificate(json.certificate)
    expect(status).toBe(201)
    expect(json.privateKey.type).toBe('key')
    expect(certificate.checkPrivateKey(createPrivateKey(json.privateKey.bytes))).toBe(true)
    expect(certificate.verify(new X509Certificate(workload.authority.trustBundle).publicKey)).toBe(true)
    expect(certificate.subjectAltName).toBe('DNS:proxy.plant.local, DNS:sensor')
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(json.expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/)
    expect(Date.parse(json.expiration)).toBe(workload.clock.now() + 30 * DAY)
  })

  it('issues a server certificate for an address', async () => {
    const { json } = await call('POST', `${OWN}/certificate/server`, { body: { commonName: '10.0.0.8' } })
    expect(new X509Certificate(json.certificate).subjectAltName).toBe('DNS:sensor, IP Address:10.0.0.8')
  })

  it.each([[undefined], [{ expiration: '2026-01-02T00:00:00Z' }]])(
    'issues an identity certificate for %j',
    async body => {
      const { status, json } = await call('POST', '/modules/sensor/certificate/identity', { body })
      const certificate = new X509Certificate(json.certificate)
      expect(status).toBe(201)
      expect(certificate.subject).toBe('CN=sensor')
      expect(certificate.subjectAltName).toBe('URI:azureiot://plant.azure-devices.net/devices/press%237/modules/sensor')
      expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    },
  )

  it('lists the modules, without what may be secret in them', async () => {
    const { status, json } = await call('GET', '/modules')
    expect(status).toBe(200)
    expect(json.modules).toEqual([
      {
        id: 'id',
        name: 'sensor',
        type: 'docker',
        config: { settings: { image: 'plant/sensor:1', createOptions: {} }, env: [] },
        status: { startTime: '2026-01-01T00:00:00.000Z', runtimeStatus: { status: 'running' } },
      },
      {
        id: 'id',
        name: 'filter',
        type: 'process',
        config: { settings: { image: '', createOptions: {} }, env: [] },
        status: {
          exitStatus: { exitTime: '2026-01-02T00:00:00.000Z', statusCode: '137' },
          runtimeStatus: { status: 'failed', description: 'killed' },
        },
      },
    ])
  })

  it('gives an empty manifest trust bundle when there is none', async () => {
    const reply = await call('GET', '/manifest-trust-bundle', { version: '2020-07-07' })
    expect(reply).toMatchObject({ status: 200, json: { certificate: '' } })
  })
})

const sign = { data: base64('x') }
const sealed = { ciphertext: base64('made up'), initializationVector: '' }

describe('bad calls', () => {
  test.each<[string, string, string, WorkloadCallOptions, number, string | RegExp]>([
    ['no api-version', 'GET', '/trust-bundle?x=1', {}, 400, 'api-version not specified'],
    ['an api-version that never was', 'GET', '/trust-bundle', { version: '2018-06-29' }, 400, /^invalid api-version/],
    [
      'a call that its version does not know',
      'GET',
      '/manifest-trust-bundle',
      { version: '2019-11-05' },
      404,
      'not found',
    ],
    ['no such path', 'GET', '/trust-bundles', {}, 404, 'not found'],
    ['a path within a path', 'GET', '//trust-bundle', {}, 404, 'not found'],
    ['another method', 'POST', '/trust-bundle', {}, 400, 'method not allowed'],
    ['another method', 'DELETE', '/modules', {}, 400, 'method not allowed'],
    ['another method', 'GET', `${OWN}/sign`, {}, 400, 'method not allowed'],
    ['another method', 'PUT', `${OWN}/sign`, { body: sign }, 400, 'method not allowed'],
    [
      'PUT of another type',
      'PUT',
      `${OWN}/sign`,
      { body: '{}', headers: { 'content-type': 'text/plain' } },
      415,
      /json/,
    ],
    ['PUT of nothing', 'PUT', `${OWN}/sign`, {}, 422, /JSON/],
    ...['sign', 'encrypt', 'decrypt', 'certificate/server'].flatMap(
      (operation): [string, string, string, WorkloadCallOptions, number, string | RegExp][] => [
        [`${operation} without a body`, 'POST', `${OWN}/${operation}`, {}, 400, 'missing request body'],
        [
          `${operation} of another type`,
          'POST',
          `${OWN}/${operation}`,
          { body: '{}', headers: { 'content-type': 'text/plain' } },
          400,
          'missing request body',
        ],
        [`${operation} of what is not JSON`, 'POST', `${OWN}/${operation}`, { body: '{' }, 422, 'the body is not JSON'],
        [`${operation} of another form`, 'POST', `${OWN}/${operation}`, { body: [1] }, 422, /^missing field/],
        [
          `${operation} for another module`,
          'POST',
          `/modules/filter/genid/${GENERATION}/${operation}`,
          { body: sign },
          403,
          'forbidden',
        ],
        [
          `${operation} for a module that is not`,
          'POST',
          `/modules/nobody/genid/${GENERATION}/${operation}`,
          { body: sign },
          403,
          'forbidden',
        ],
        [
          `${operation} for another generation`,
          'POST',
          `/modules/sensor/genid/638000000000000000/${operation}`,
          { body: sign },
          404,
          'not found',
        ],
        [
          `${operation} for no generation`,
          'POST',
          `/modules/sensor/genid//${operation}`,
          { body: sign },
          404,
          'not found',
        ],
      ],
    ),
    ['sign of a number', 'POST', `${OWN}/sign`, { body: { data: 1 } }, 422, 'missing field `data`'],
    ['sign of what is not Base64', 'POST', `${OWN}/sign`, { body: { data: 'x===' } }, 400, /^invalid parameter/],
    ['sign of Base64 for URLs', 'POST', `${OWN}/sign`, { body: { data: '_-==' } }, 400, /^invalid parameter/],
    ['encrypt without a vector', 'POST', `${OWN}/encrypt`, { body: { plaintext: '' } }, 422, /initializationVector/],
    [
      'encrypt of what is not Base64',
      'POST',
      `${OWN}/encrypt`,
      { body: { plaintext: '~', initializationVector: '' } },
      400,
      /plaintext/,
    ],
    ['decrypt of what was never encrypted', 'POST', `${OWN}/decrypt`, { body: sealed }, 500, /cannot be decrypted/],
    [
      'an identity certificate for another module',
      'POST',
      '/modules/filter/certificate/identity',
      {},
      403,
      'forbidden',
    ],
    [
      'an identity certificate with a broken body',
      'POST',
      '/modules/sensor/certificate/identity',
      { body: '{' },
      422,
      /JSON/,
    ],
    [
      'a server certificate for no name',
      'POST',
      `${OWN}/certificate/server`,
      { body: { commonName: '' } },
      400,
      /common name/,
    ],
    [
      'a server certificate for no host name',
      'POST',
      `${OWN}/certificate/server`,
      { body: { commonName: 'a b' } },
      400,
      /DNS name/,
    ],
    ...['press-7.local', 'PRESS-7.local', '*.local', '10.0.0.7', '2001:0DB8:0::1'].map(
      (commonName): [string, string, string, WorkloadCallOptions, number, string] => [
        `a server certificate for ${commonName}`,
        'POST',
        `${OWN}/certificate/server`,
        { body: { commonName } },
        403,
        'forbidden',
      ],
    ),
    ['a body that is too long', 'POST', `${OWN}/sign`, { body: Buffer.alloc(1_048_577) }, 413, /1048576 bytes/],
  ])('%s: %s %s', async (_case, method, path, options, status, message) => {
    const reply = await call(method, path, options)
    expect(reply).toMatchObject({ status, type: 'application/json' })
    expect(reply.json.message).toMatch(message)
  })

  it('decrypts for nobody else, for no other generation and with no other vector', async () => {
    const vector = base64('vector')
    const body = { plaintext: base64('secret'), initializationVector: vector }
    const { ciphertext } = (await call('POST', `${OWN}/encrypt`, { body })).json
    const open = (at: string, path: string, initializationVector = vector) =>
      callWorkload(at, 'POST', `${path}/decrypt`, { body: { ciphertext, initializationVector } })
    const other = (await workload.api.open('filter')).uri
    expect((await open(uri, OWN, base64('other'))).status).toBe(500)
    expect((await open(other, `/modules/filter/genid/${GENERATION}`)).status).toBe(500)
    const before = workload.identities.get('sensor')!
    workload.identities.set('sensor', { ...before, generationId: '638000000000000002' })
    expect((await open(uri, '/modules/sensor/genid/638000000000000002')).status).toBe(500)
    expect((await open(uri, OWN)).status).toBe(404)
    workload.identities.set('sensor', before)
    expect((await open(uri, OWN)).json).toEqual({ plaintext: body.plaintext })
  })

  it('serves nothing of an identity that is gone, and no detail of what went wrong inside', async () => {
    const filter = (await workload.api.open('filter')).uri
    const path = `/modules/filter/genid/${GENERATION}/sign`
    const before = workload.identities.get('filter')!
    workload.identities.set('filter', { ...before, keyId: 'never put' })
    expect(await callWorkload(filter, 'POST', path, { body: sign })).toMatchObject({
      status: 500,
      json: { message: 'internal error' },
    })
    workload.identities.delete('filter')
    expect((await callWorkload(filter, 'POST', path, { body: sign })).status).toBe(404)
    workload.identities.set('filter', before)
  })

  it('keeps keys and what was sealed out of the log', () => {
    expect(workload.log.join('\n')).toContain('module=sensor')
    for (const key of workload.keys.values()) {
      expect(workload.log.join('\n')).not.toContain(key.toString())
      expect(workload.log.join('\n')).not.toContain(key.toString('base64'))
    }
  })
})
