import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WORKLOAD_API_VERSIONS, type WorkloadTransport } from '../src/index.js'
import { startWorkload, type TestWorkload } from './support/workload.js'
import { callWorkload } from './support/workload-client.js'

const OWN = '/modules/sensor/genid/638000000000000001'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const vector = base64('vector')
const certificate = {
  privateKey: { type: 'key', bytes: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----\n/) },
  certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
  expiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/),
}

describe.each<WorkloadTransport>(['unix', 'http'])('the workload API over %s', transport => {
  let workload: TestWorkload
  let uri: string
  beforeAll(async () => {
    workload = await startWorkload({ limits: { burst: 10_000 } })
    uri = (await workload.api.open('sensor', transport)).uri
  })
  afterAll(() => workload[Symbol.asyncDispose]())

  const digestOf = (data: string) => createHmac('sha256', workload.keys.get('sensor')!).update(data).digest('base64')

  it.each(WORKLOAD_API_VERSIONS)(
    'answers every call of version %s, with the members that clients read and no more',
    async version => {
      const ask = (method: string, path: string, body?: unknown) => callWorkload(uri, method, path, { body, version })
      const encrypted = await ask('POST', `${OWN}/encrypt`, { plaintext: base64('x'), initializationVector: vector })
      const { ciphertext } = encrypted.json
      const isNewer = version >= '2020-07-07'
      const table: [string, string, unknown, number, unknown][] = [
        ['GET', '/trust-bundle', undefined, 200, { certificate: workload.authority.trustBundle }],
        ['GET', '/modules', undefined, 200, { modules: [expect.anything(), expect.anything()] }],
        [
          'POST',
          `${OWN}/sign`,
          { keyId: 'primary', algo: 'HMACSHA256', data: base64('x') },
          200,
          { digest: digestOf('x') },
        ],
        ['POST', `${OWN}/decrypt`, { ciphertext, initializationVector: vector }, 200, { plaintext: base64('x') }],
        ['POST', `${OWN}/certificate/server`, { commonName: 'a.local', expiration: 'any' }, 201, certificate],
        ['POST', '/modules/sensor/certificate/identity', { expiration: 'any' }, 201, certificate],
        ['POST', '/modules/sensor/certificate/identity', undefined, 201, certificate],
        isNewer
          ? ['GET', '/manifest-trust-bundle', undefined, 200, { certificate: '' }]
          : ['GET', '/manifest-trust-bundle', undefined, 404, { message: 'not found' }],
      ]
      expect(encrypted).toMatchObject({
        status: 200,
        type: 'application/json',
        json: { ciphertext: expect.any(String) },
      })
      for (const [method, path, body, status, json] of table) {
        const reply = await ask(method, path, body)
        expect([method, path, reply]).toEqual([method, path, { status, type: 'application/json', json }])
      }
    },
  )

  /** Sends bytes as they are. @returns what came until the end of the connection */
  async function raw(request: string): Promise<string> {
    const url = new URL(uri)
    const socket = connect(
      transport === 'unix' ? { path: url.pathname } : { host: url.hostname, port: Number(url.port) },
    )
    const chunks: Buffer[] = []
    socket.on('data', chunk => chunks.push(chunk))
    // Whoever has read enough may cut the rest off: what came until then is the answer.
    socket.on('error', () => undefined)
    socket.write(request)
    await new Promise(resolve => socket.once('close', resolve))
    return Buffer.concat(chunks).toString()
  }

  /** As http.client of Python writes it: the host is the socket's path, encoded; there is no content type. */
  function python(body: string, headers = ''): string {
    const url = new URL(uri)
    const host = transport === 'unix' ? encodeURIComponent(url.pathname) : url.host
    const start = `POST ${OWN}/sign?api-version=2022-08-03 HTTP/1.1\r\nHost: ${host}\r\n`
    const own = `User-Agent: py-azure-iot-device\r\nAccept-Encoding: identity\r\nAccept: */*\r\n${headers}`
    return `${start}${own}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  }

  it('answers a client of Python, byte for byte as it reads it', async () => {
    const answer = await raw(python(JSON.stringify({ keyId: 'primary', algo: 'HMACSHA256', data: base64('x') })))
    const [head = '', body] = answer.split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(head.toLowerCase()).toContain('\r\ncontent-type: application/json')
    expect(head).toMatch(new RegExp(`\\r\\ncontent-length: ${body!.length}(\\r|$)`, 'i'))
    expect(body).toBe(`{"digest":"${digestOf('x')}"}`)
  })

  it('takes a body in pieces, and one without an end for none', async () => {
    const json = JSON.stringify({ data: base64('x') })
    const chunked = `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`
    const inPieces = python('', 'Transfer-Encoding: chunked\r\n').replace('Content-Length: 0\r\n', '') + chunked
    expect(await raw(inPieces)).toContain(digestOf('x'))
    expect(await raw(python(json, 'Content-Type: application/json; charset=utf-8\r\n'))).toContain(digestOf('x'))
    expect(await raw(python(json).replace(/Content-Length: \d+/, 'Content-Length: -1'))).toMatch(/^HTTP\/1\.1 400 /)
  })

  it.each([
    ['what is no HTTP', 'nonsense\r\n\r\n'],
    ['a line without end', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n`],
    ['headers without number', `GET /modules?api-version=2018-06-28 HTTP/1.1\r\n${'X: 1\r\n'.repeat(20_000)}\r\n`],
  ])('gives nothing for %s, and goes on with the next', async (_case, request) => {
    expect(await raw(request)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/)
    expect((await callWorkload(uri, 'GET', '/trust-bundle')).status).toBe(200)
  })
})
