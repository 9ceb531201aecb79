import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Signer } from '@edgewright/core'
import { parseSasToken, type SasToken, sasSignature, verifySasToken } from '@edgewright/protocol'
import { testCertificates, virtualClock } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deriveDeviceKey, type DpsRegistration, registerDevice } from '../src/index.js'

interface ScriptedAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const KEY = Buffer.from('the key of the enrollment').toString('base64')
const signer: Signer = { sign: async (_, data) => sasSignature(Buffer.from(data).toString(), KEY) }
const ASSIGNED = { assignedHub: 'plant.azure-devices.net', deviceId: 'press-7', status: 'assigned' }
const assigned = { status: 200, body: { operationId: 'op/1', status: 'assigned', registrationState: ASSIGNED } }
const assigning = { status: 202, body: { operationId: 'op/1', status: 'assigning' } }

let server: Server
let registration: DpsRegistration
/** What the service is to answer, in turn. */
let script: ScriptedAnswer[]
let asked: { readonly method: string; readonly url: string; readonly token: string; readonly body: unknown }[]

beforeEach(async () => {
  script = []
  asked = []
  const { ca, cert, key } = testCertificates()
  server = createServer({ cert, key }, async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const { method = '', url = '', headers } = request
    asked.push({ method, url, token: headers.authorization ?? '', body: text === '' ? undefined : JSON.parse(text) })
    const next = script.shift()
    if (next === undefined) return request.socket.destroy()
    response.writeHead(next.status, { 'content-type': 'application/json', ...next.headers })
    response.end(typeof next.body === 'string' ? next.body : JSON.stringify(next.body ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  registration = {
    ...{ host: '127.0.0.1', port, ca, idScope: '0ne1', registrationId: 'press:7' },
    credential: { kind: 'key', signer, keyId: 'device' },
  }
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

describe('registering', () => {
  it('asks, waits as it is told, and asks what became of it', async () => {
    const clock = virtualClock()
    script.push({ ...assigning, headers: { 'retry-after': '5' } }, assigning, assigned)
    const done = registerDevice({ ...registration, payload: { hall: 4 } }, clock)
    // Each time two timers wait: the request's own until it is answered, then the one until the next question.
    for (const delay of [5_000, 3_000]) {
      const before = asked.length
      while (asked.length === before || !clock.pending.includes(delay)) await new Promise(setImmediate)
      await clock.advance(delay)
    }
    expect(await done).toEqual({
      hubHostName: 'plant.azure-devices.net',
      deviceId: 'press-7',
      payload: undefined,
      trustBundle: undefined,
    })
    const base = '/0ne1/registrations/press%3A7'
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `PUT ${base}/register?api-version=2021-06-01`,
      `GET ${base}/operations/op%2F1?api-version=2021-06-01`,
      `GET ${base}/operations/op%2F1?api-version=2021-06-01`,
    ])
    expect(asked[0]!.body).toEqual({ registrationId: 'press:7', payload: { hall: 4 } })
    expect(clock.pending).toEqual([])
  })

  it('shows a token for the registration, and nothing else', async () => {
    script.push(assigned)
    await registerDevice(registration)
    const token = parseSasToken(asked[0]!.token) as SasToken
    expect(token).toMatchObject({ resource: '0ne1%2Fregistrations%2Fpress%3A7', policy: 'registration' })
    expect(verifySasToken(token, { hosts: ['0ne1'], identities: [], keys: [KEY], now: Date.now() }).valid).toBe(true)
  })

  it('takes the payload and the trust bundle of the enrollment', async () => {
    const certificates = [{ certificate: 'PEM 1' }, { certificate: 'PEM 2' }]
    const registrationState = { ...ASSIGNED, payload: { line: 2 }, trustBundle: { certificates } }
    script.push({ status: 200, body: { status: 'assigned', registrationState } })
    expect(await registerDevice(registration)).toMatchObject({ payload: { line: 2 }, trustBundle: 'PEM 1\nPEM 2' })
  })

  it('gives up when no hub is assigned in time', async () => {
    const clock = virtualClock()
    script.push(assigning, assigning)
    const done = registerDevice({ ...registration, assignmentTimeout: 3_000 }, clock).catch(error => error)
    while (!clock.pending.includes(3_000)) await new Promise(setImmediate)
    await clock.advance(3_000)
    expect(await done).toMatchObject({ code: 'PROVISIONING_UNAVAILABLE', message: expect.stringContaining('in time') })
  })

  it('gives up when it is told to', async () => {
    const stopping = new Error('stopping')
    await expect(registerDevice(registration, undefined, AbortSignal.abort(stopping))).rejects.toBe(stopping)
  })
})

describe('what the service answers', () => {
  const state = { status: 'failed', errorCode: 400207, errorMessage: 'Custom allocation failed' }
  it.each<[string, ScriptedAnswer, string, string]>([
    ['unauthorized', { status: 401, body: { errorCode: 401002, message: 'Unauthorized' } }, 'REFUSED', 'Unauthorized'],
    ['unknown', { status: 404, body: { message: 'x'.repeat(9_999) } }, 'REFUSED', `404: ${'x'.repeat(200)}`],
    ['failed', { status: 200, body: { status: 'failed', registrationState: state } }, 'REFUSED', 'Custom allocation'],
    ['disabled', { status: 200, body: { status: 'disabled' } }, 'REFUSED', 'disabled'],
    ['throttled', { status: 429 }, 'UNAVAILABLE', '429'],
    ['broken', { status: 500 }, 'UNAVAILABLE', '500'],
    ['no JSON', { status: 200, body: '<html>' }, 'UNAVAILABLE', 'not one of the service'],
    ['no hub', { status: 200, body: { status: 'assigned' } }, 'UNAVAILABLE', 'no hub'],
    ['no operation', { status: 202, body: { status: 'assigning' } }, 'UNAVAILABLE', 'not one of the service'],
    ['too much', { status: 200, body: 'x'.repeat(1_048_577) }, 'UNAVAILABLE', 'no answer'],
  ])('%s', async (_case, answer, code, message) => {
    script.push(answer)
    const error = await registerDevice(registration).catch(failure => failure)
    expect(error.code).toBe(`PROVISIONING_${code}`)
    expect(error.message).toContain(message)
    expect(error.message.length).toBeLessThan(300)
    expect(error.place).toBe('127.0.0.1: 0ne1/press:7')
  })

  it('a refusal while the clock is wrong is put down to the clock', async () => {
    script.push({ status: 401, headers: { date: new Date().toUTCString() } })
    const error = await registerDevice(registration, virtualClock({ start: 0 })).catch(failure => failure)
    expect(error).toMatchObject({ code: 'PROVISIONING_UNAVAILABLE', message: expect.stringContaining('clock') })
  })

  it('nothing at all, or another one with the wrong certificate', async () => {
    const unavailable = { code: 'PROVISIONING_UNAVAILABLE' }
    await expect(registerDevice(registration)).rejects.toMatchObject(unavailable)
    await expect(registerDevice({ ...registration, ca: testCertificates().ca })).rejects.toMatchObject(unavailable)
    expect(asked).toHaveLength(1)
  })
})

it('keys of a group are derived as the service derives them', () => {
  // Recorded with: printf %s press-7 | openssl dgst -sha256 -mac HMAC -macopt key:group -binary | base64
  expect(deriveDeviceKey(Buffer.from('group').toString('base64'), 'press-7')).toBe(
    'MFLp9jNjKkdPTpVH3MDejzvOBMOTXZ+8CsQnCDNcDLc=',
  )
})
