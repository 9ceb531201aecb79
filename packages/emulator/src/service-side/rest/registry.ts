import { ifMatch, wantedEtag } from '../../http/if-match.js'
import { jsonObjectBody } from '../../http/json-body.js'
import type { HttpRequest, HttpResponse, Route } from '../../http/router.js'
import type { HubState } from '../../state/hub-state.js'
import type { RegistryEntry } from '../../state/registry.js'
import { permitted, permittedOrOwner } from './guards.js'
import { identityOf } from './identity-path.js'
import { deviceFromJson, identityJson, moduleFromJson } from './identity-json.js'

/** The most devices one listing shows. Source: IoT Hub REST reference, `Devices - Get Devices`. */
const MAX_LISTED = 1_000

/** Devices and modules: create, update, read, list, delete. */
export function registryRoutes(state: HubState): readonly Route[] {
  const read = permitted('RegistryRead')
  const write = permitted('RegistryWrite')
  const readOwn = permittedOrOwner('RegistryRead')
  const writeOwn = permittedOrOwner('RegistryWrite')
  const { registry } = state
  const show = (entry: RegistryEntry): HttpResponse => ({
    status: 200,
    headers: { etag: `"${entry.etag}"` },
    json: identityJson(entry, state),
  })
  return [
    { method: 'GET', path: '/devices', guard: read, handle: request => list(request, state) },
    {
      method: 'GET',
      path: '/devices/{d}',
      guard: read,
      handle: ({ params }) => show(registry.get(identityOf(params))),
    },
    { method: 'PUT', path: '/devices/{d}', guard: write, handle: request => show(putDevice(request, state)) },
    { method: 'DELETE', path: '/devices/{d}', guard: write, handle: request => remove(request, state) },
    { method: 'GET', path: '/devices/{d}/modules', guard: readOwn, handle: request => listModules(request, state) },
    {
      method: 'GET',
      path: '/devices/{d}/modules/{m}',
      guard: readOwn,
      handle: ({ params }) => show(registry.get(identityOf(params))),
    },
    {
      method: 'PUT',
      path: '/devices/{d}/modules/{m}',
      guard: writeOwn,
      handle: request => show(putModule(request, state)),
    },
    { method: 'DELETE', path: '/devices/{d}/modules/{m}', guard: writeOwn, handle: request => remove(request, state) },
    { method: 'GET', path: '/statistics/devices', guard: read, handle: () => statistics(state) },
    { method: 'GET', path: '/statistics/service', guard: read, handle: () => serviceStatistics(state) },
  ]
}

function list({ query }: HttpRequest, state: HubState): HttpResponse {
  const top = Math.min(Number(query.get('top') ?? MAX_LISTED) || MAX_LISTED, MAX_LISTED)
  const json = []
  for (const entry of state.registry.devices()) {
    if (json.length >= top) break
    json.push(identityJson(entry, state))
  }
  return { status: 200, json }
}

function listModules({ params }: HttpRequest, state: HubState): HttpResponse {
  const { deviceId } = identityOf(params)
  state.registry.get({ deviceId })
  return { status: 200, json: Array.from(state.registry.modules(deviceId), entry => identityJson(entry, state)) }
}

/** Without `If-Match` a device is made; with it, it is changed. */
function putDevice({ params, headers, body }: HttpRequest, { registry }: HubState): RegistryEntry {
  const identity = identityOf(params)
  const device = deviceFromJson({ ...jsonObjectBody(body), deviceId: identity.deviceId })
  if (ifMatch(headers).kind === 'absent') return registry.createDevice(device)
  return registry.update(identity, device, wantedEtag(headers))
}

function putModule({ params, headers, body }: HttpRequest, { registry }: HubState): RegistryEntry {
  const identity = identityOf(params)
  const module = moduleFromJson({
    ...jsonObjectBody(body),
    deviceId: identity.deviceId,
    moduleId: identity.moduleId ?? '',
  })
  if (ifMatch(headers).kind === 'absent') return registry.createModule(module)
  return registry.update(identity, module, wantedEtag(headers))
}

function remove({ params, headers }: HttpRequest, { registry }: HubState): HttpResponse {
  registry.remove(identityOf(params), wantedEtag(headers))
  return { status: 204 }
}

function statistics({ registry }: HubState): HttpResponse {
  let totalDeviceCount = 0
  let enabledDeviceCount = 0
  for (const { status } of registry.devices()) {
    totalDeviceCount += 1
    if (status === 'enabled') enabledDeviceCount += 1
  }
  const disabledDeviceCount = totalDeviceCount - enabledDeviceCount
  return { status: 200, json: { totalDeviceCount, enabledDeviceCount, disabledDeviceCount } }
}

function serviceStatistics({ clients }: HubState): HttpResponse {
  const devices = new Set(Array.from(clients.connected(), key => key.split('/', 1)[0]))
  return { status: 200, json: { connectedDeviceCount: devices.size } }
}
