import { createMessage } from '@edgewright/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmulator, type TestEmulator } from './support/emulator.js'
import { call } from './support/http-client.js'
import { identityToken, policyToken } from './support/tokens.js'

let running: TestEmulator
let token: string
beforeEach(async () => {
  running = await startEmulator()
  token = policyToken(running.emulator)
})
afterEach(() => running[Symbol.asyncDispose]())

const API = '?api-version=2021-04-12'

test('a device is created with keys, shown, updated by etag and deleted', async () => {
  const empty = { authentication: { symmetricKey: { primaryKey: '', secondaryKey: '' } } }
  const created = await call(running, 'PUT', `/devices/press%237${API}`, {
    token,
    body: { deviceId: 'press#7', ...empty },
  })
  expect(created.status).toBe(200)
  expect(created.json).toMatchObject({ deviceId: 'press#7', status: 'enabled', authentication: { type: 'sas' } })
  expect(Buffer.from(created.json.authentication.symmetricKey.primaryKey, 'base64')).toHaveLength(32)

  const again = await call(running, 'PUT', `/devices/press%237${API}`, { token, body: { deviceId: 'press#7' } })
  expect(again.status).toBe(409)
  expect(again.json.Message).toMatch(/^ErrorCode:DeviceAlreadyExists;/)

  const update = (etag: string) =>
    call(running, 'PUT', `/devices/press%237${API}`, {
      token,
      body: { deviceId: 'press#7', status: 'disabled' },
      headers: { 'if-match': etag },
    })
  expect((await update('"elsewhere"')).status).toBe(412)
  expect((await update(`"${created.json.etag}"`)).json).toMatchObject({ status: 'disabled' })

  expect((await call(running, 'GET', `/devices/${API}`, { token })).json).toHaveLength(1)
  const deleted = await call(running, 'DELETE', `/devices/press%237${API}`, { token, headers: { 'if-match': '*' } })
  expect(deleted.status).toBe(204)
  const gone = await call(running, 'GET', `/devices/press%237${API}`, { token })
  expect([gone.status, gone.json.Message]).toEqual([404, expect.stringMatching(/^ErrorCode:DeviceNotFound;/)])
})

test('modules belong to a device and go with it', async () => {
  const path = '/devices/press/modules/filter'
  expect((await call(running, 'PUT', path + API, { token, body: {} })).status).toBe(404)
  await call(running, 'PUT', `/devices/press${API}`, { token, body: {} })
  expect((await call(running, 'PUT', path + API, { token, body: { managedBy: 'me' } })).json).toMatchObject({
    deviceId: 'press',
    moduleId: 'filter',
    managedBy: 'me',
  })
  expect((await call(running, 'GET', `/devices/press/modules${API}`, { token })).json).toHaveLength(1)
  await call(running, 'DELETE', `/devices/press${API}`, { token })
  expect((await call(running, 'GET', path + API, { token })).status).toBe(404)
})

test('only policies with the right may touch the registry, and nobody learns why not', async () => {
  running.emulator.registry.createDevice({ deviceId: 'press' })
  const refused = { status: 401, json: { Message: 'ErrorCode:IotHubUnauthorizedAccess;Unauthorized' } }
  const get = (token?: string) => call(running, 'GET', `/devices/press${API}`, token === undefined ? {} : { token })
  expect((await get(policyToken(running.emulator, 'registryRead'))).status).toBe(200)
  expect(await get(policyToken(running.emulator, 'service'))).toMatchObject(refused)
  expect(await get(identityToken(running.emulator, { deviceId: 'press' }))).toMatchObject(refused)
  expect(await get()).toMatchObject(refused)
  const write = await call(running, 'DELETE', `/devices/press${API}`, {
    token: policyToken(running.emulator, 'registryRead'),
  })
  expect(write).toMatchObject(refused)
})

test('bodies and ids that cannot be are refused as bad requests', async () => {
  expect((await call(running, 'PUT', `/devices/a%20b${API}`, { token, body: {} })).status).toBe(400)
  expect((await call(running, 'PUT', `/devices/ok${API}`, { token, body: [] })).status).toBe(400)
  expect(
    (await call(running, 'PUT', `/devices/ok${API}`, { token, body: { authentication: { type: 'selfSigned' } } }))
      .status,
  ).toBe(400)
})

test('a device is shown with how many commands wait for it, and times that never were as the hub shows them', async () => {
  const identity = running.emulator.registry.createDevice({ deviceId: 'press' }).identity
  running.emulator.commands.send(identity, createMessage({ body: 'open' }))
  const never = '0001-01-01T00:00:00Z'
  const device = await call(running, 'GET', `/devices/press${API}`, { token })
  expect(device.json).toMatchObject({ cloudToDeviceMessageCount: 1, statusUpdatedTime: never })
  const twin = await call(running, 'GET', `/twins/press${API}`, { token })
  expect(twin.json).toMatchObject({ cloudToDeviceMessageCount: 1, statusUpdateTime: never })
})
