import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { EdgewrightError, type IdentityRecord } from '@edgewright/core'
import { createSasToken, parseSasToken, Refusal, verifySasToken } from '@edgewright/protocol'
import { testCertificates } from '@edgewright/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IotHubIdentitySource, type IotHubIdentitySourceOptions } from '../src/index.js'

const KEY = Buffer.from('a key').toString('base64')
const certificates = testCertificates({ ipAddresses: ['127.0.0.1'] })

let server: Server
let asked: string[]
let answer: (path: string) => { readonly status: number; readonly body: unknown }

beforeEach(async () => {
  asked = []
  server = createServer({ key: certificates.key, cert: certificates.cert }, (request, response) => {
    const token = parseSasToken(request.headers.authorization ?? '')
    const identities = [{ deviceId: 'edge', moduleId: '$edgeHub' }]
    const expected = { hosts: ['hub.test'], identities, keys: [KEY], now: Date.now() }
    const valid = !(token instanceof Refusal) && verifySasToken(token, expected).valid
    asked.push(request.url!)
    const { status, body } = valid ? answer(request.url!) : { status: 401, body: { Message: 'a bad token' } }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})

afterEach(() => {
  server.close()
})

function source(options: Partial<IotHubIdentitySourceOptions> = {}): IotHubIdentitySource {
  return new IotHubIdentitySource({
    host: 'hub.test',
    gatewayHost: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    ca: certificates.ca,
    deviceId: 'edge',
    token: async (_, resource, expiresAt) => createSasToken({ resource, expiresAt, key: KEY }),
    ...options,
  })
}

async function all(of: AsyncIterable<IdentityRecord>): Promise<IdentityRecord[]> {
  const records: IdentityRecord[] = []
  for await (const record of of) records.push(record)
  return records
}

const EDGE = {
  deviceId: 'edge',
  generationId: '1',
  status: 'enabled',
  authentication: { type: 'sas', symmetricKey: { primaryKey: 'p', secondaryKey: 's' } },
  capabilities: { iotEdge: true },
  deviceScope: 'ms-azure-iot-edge://edge-1',
  parentScopes: [],
}

test('the scope is listed page by page, with every kind of authentication', async () => {
  const pages = [
    { devices: [EDGE], modules: [], continuationLink: '/devices/edge/next?continuationToken=1' },
    {
      devices: [
        {
          deviceId: 'a',
          authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: 'AA' } },
          status: 'disabled',
        },
        { deviceId: 'b', authentication: { type: 'certificateAuthority' } },
        { generationId: 'no identity' },
      ],
      modules: [{ deviceId: 'edge', moduleId: '$edgeHub', generationId: '2' }],
    },
  ]
  answer = path => ({ status: 200, body: pages[path.includes('next') ? 1 : 0] })
  expect(await all(source().list())).toEqual([
    {
      identity: { deviceId: 'edge' },
      generationId: '1',
      status: 'enabled',
      authentication: { type: 'symmetricKey', primaryKey: 'p', secondaryKey: 's' },
      isEdgeDevice: true,
      deviceScope: 'ms-azure-iot-edge://edge-1',
      parentScopes: [],
    },
    expect.objectContaining({
      identity: { deviceId: 'a' },
      status: 'disabled',
      authentication: { type: 'thumbprint', primary: 'AA', secondary: '' },
    }),
    expect.objectContaining({ identity: { deviceId: 'b' }, authentication: { type: 'certificateAuthority' } }),
    expect.objectContaining({ identity: { deviceId: 'edge', moduleId: '$edgeHub' }, authentication: { type: 'none' } }),
  ])
  expect(asked).toEqual([
    '/devices/edge/modules/%24edgeHub/devicesAndModulesInDeviceScope?deviceCount=100&continuationToken=&api-version=2018-08-30-preview',
    '/devices/edge/next?continuationToken=1',
  ])
})

test('one identity is looked up, its id encoded', async () => {
  answer = () => ({
    status: 200,
    body: { devices: [{ deviceId: 'a#1' }], modules: [{ deviceId: 'a#1', moduleId: 'm' }] },
  })
  expect(await source().get({ deviceId: 'a#1', moduleId: 'm' })).toMatchObject({
    identity: { deviceId: 'a#1', moduleId: 'm' },
  })
  expect(asked[0]).toContain('targetDeviceId=a%231&targetModuleId=m&')
  expect(await source().get({ deviceId: 'other' })).toBeUndefined()
})

test.each([400, 403, 404])('an identity that the hub answers %i for is not in scope', async status => {
  answer = () => ({ status, body: {} })
  expect(await source().get({ deviceId: 'a' })).toBeUndefined()
  await expect(all(source().list())).rejects.toMatchObject({ code: 'UPSTREAM_REFUSED' })
})

test.each([
  [401, 'UPSTREAM_UNAUTHORIZED'],
  [429, 'UPSTREAM_THROTTLED'],
  [500, 'UPSTREAM_OFFLINE'],
])('an answer of %i throws %s', async (status, code) => {
  answer = () => ({ status, body: { Message: 'because' } })
  await expect(source().get({ deviceId: 'a' })).rejects.toMatchObject({
    code,
    message: expect.stringContaining('because'),
  })
})

test('what is not JSON, and a hub that is not there, are told as such', async () => {
  answer = () => ({ status: 200, body: 'text' })
  await expect(source().get({ deviceId: 'a' })).rejects.toMatchObject({ code: 'UPSTREAM_OFFLINE' })
  await expect(source({ port: 1 }).get({ deviceId: 'a' })).rejects.toMatchObject({
    code: 'UPSTREAM_OFFLINE',
    message: expect.stringContaining('connection-refused'),
  })
})

test('the wait for an answer ends with the signal, with its reason', async () => {
  const controller = new AbortController()
  answer = () => {
    controller.abort(new Error('enough'))
    return { status: 200, body: {} }
  }
  const error = await source()
    .get({ deviceId: 'a' }, controller.signal)
    .catch(reason => reason)
  expect(error).toMatchObject({ message: 'enough' })
  expect(EdgewrightError.is(error)).toBe(false)
})
