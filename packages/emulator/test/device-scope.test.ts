import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmulator, type TestEmulator } from './support/emulator.js'
import { call } from './support/http-client.js'
import { identityToken, policyToken } from './support/tokens.js'

const EDGE_HUB = { deviceId: 'gateway', moduleId: '$edgeHub' }
const BASE = '/devices/gateway/modules/%24edgeHub'
const VERSION = 'api-version=2018-08-30-preview'

let running: TestEmulator
beforeEach(async () => void (running = await startEmulator()))
afterEach(() => running[Symbol.asyncDispose]())

test('an edge device comes with a scope and its system modules, and sees what stands behind it, page by page', async () => {
  const { registry } = running.emulator
  const gateway = registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  expect(gateway.deviceScope).toBe(`ms-azure-iot-edge://gateway-${gateway.generationId}`)
  registry.createModule({ deviceId: 'gateway', moduleId: 'filter' })
  for (let leaf = 0; leaf < 4; leaf += 1) registry.createDevice({ deviceId: `leaf-${leaf}`, parentId: 'gateway' })
  registry.createModule({ deviceId: 'leaf-0', moduleId: 'camera' })
  registry.createDevice({ deviceId: 'stranger' })

  const token = identityToken(running.emulator, EDGE_HUB)
  const devices: string[] = []
  const modules: string[] = []
  let path: string | undefined = `${BASE}/devicesAndModulesInDeviceScope?deviceCount=2&continuationToken=&${VERSION}`
  let pages = 0
  for (; path !== undefined; pages += 1) {
    const { json } = await call(running, 'GET', path, { token })
    devices.push(...json.devices.map((device: { deviceId: string }) => device.deviceId))
    modules.push(...json.modules.map((m: { deviceId: string; moduleId: string }) => `${m.deviceId}/${m.moduleId}`))
    path = json.continuationLink
  }
  expect(pages).toBe(3)
  expect(devices).toEqual(['gateway', 'leaf-0', 'leaf-1', 'leaf-2', 'leaf-3'])
  expect(modules).toEqual(['gateway/$edgeAgent', 'gateway/$edgeHub', 'gateway/filter', 'leaf-0/camera'])
})

test('children created over REST with the scope of the gateway are in it, with their keys', async () => {
  const { registry } = running.emulator
  const gateway = registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  const body = { deviceId: 'leaf', deviceScope: gateway.deviceScope }
  const created = await call(running, 'PUT', '/devices/leaf?api-version=2021-04-12', {
    token: policyToken(running.emulator),
    body,
  })
  const { json } = await call(running, 'GET', `${BASE}/deviceAndModuleInDeviceScope?targetDeviceId=leaf&${VERSION}`, {
    token: identityToken(running.emulator, EDGE_HUB),
  })
  expect(json.devices).toEqual([
    expect.objectContaining({
      deviceId: 'leaf',
      status: 'enabled',
      capabilities: { iotEdge: false },
      authentication: created.json.authentication,
      deviceScope: gateway.deviceScope,
      parentScopes: [gateway.deviceScope],
    }),
  ])
})

test('an identity out of scope does not exist for the gateway', async () => {
  running.emulator.registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  running.emulator.registry.createDevice({ deviceId: 'stranger' })
  const path = `${BASE}/deviceAndModuleInDeviceScope?targetDeviceId=stranger&${VERSION}`
  expect((await call(running, 'GET', path, { token: identityToken(running.emulator, EDGE_HUB) })).status).toBe(404)
})

test('nobody but the $edgeHub of the gateway may ask, and not while the link is cut', async () => {
  const { registry } = running.emulator
  registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  registry.createDevice({ deviceId: 'other', capabilities: { iotEdge: true } })
  const path = `${BASE}/devicesAndModulesInDeviceScope?deviceCount=10&${VERSION}`
  const asked = async (deviceId: string, moduleId?: string) =>
    (await call(running, 'GET', path, { token: identityToken(running.emulator, { deviceId, moduleId }) })).status
  expect(await asked('gateway')).toBe(401)
  expect(await asked('other', '$edgeHub')).toBe(401)
  running.emulator.cut()
  await expect(asked('gateway', '$edgeHub')).rejects.toThrow()
  running.emulator.restore()
  expect(await asked('gateway', '$edgeHub')).toBe(200)
})

test('nested gateways are listed from their own scope, and spoken for', async () => {
  const { registry } = running.emulator
  registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  registry.createDevice({ deviceId: 'line', capabilities: { iotEdge: true }, parentId: 'gateway' })
  registry.createDevice({ deviceId: 'leaf', parentId: 'line' })
  const token = identityToken(running.emulator, EDGE_HUB)
  const post = (call_: string, body: object) =>
    call(running, 'POST', `${BASE}/${call_}?api-version=2020-06-30-preview`, { token, body })
  const nested = await post('devicesAndModulesInTargetDeviceScope', {
    pageSize: 10,
    authChain: 'line/$edgeHub;line;gateway',
  })
  expect(nested.json.devices.map((device: { deviceId: string }) => device.deviceId)).toEqual(['line', 'leaf'])
  const one = await post('getDeviceAndModuleOnBehalfOf', { authChain: 'leaf;line;gateway' })
  expect(one.json.devices[0]).toMatchObject({ deviceId: 'leaf' })
})
