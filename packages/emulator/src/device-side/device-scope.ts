import { type Identity, sameIdentity } from '@edgewright/core'
import { jsonObjectBody } from '../http/json-body.js'
import type { HttpRequest, HttpResponse, Route, RouteGuard } from '../http/router.js'
import { authenticationJson, scopes } from '../service-side/rest/identity-json.js'
import { HubError } from '../state/hub-error.js'
import type { HubState } from '../state/hub-state.js'
import type { RegistryEntry } from '../state/registry.js'

const DEFAULT_PAGE = 10
const MAX_PAGE = 1_000
const EDGE_HUB = '$edgeHub'
const BASE = `/devices/{d}/modules/${EDGE_HUB}`

/**
 * What a gateway asks about its scope: itself, its modules, the devices behind it and theirs. Both forms, the flat one
 * and the one for nested gateways. Source: wire reference, section 7.
 */
export function deviceScopeRoutes(state: HubState): readonly Route[] {
  const list = ({ params, query }: HttpRequest) => {
    const { devices, next } = page(
      state,
      edgeOf(state, params),
      Number(query.get('deviceCount')),
      query.get('continuationToken'),
    )
    return scopeResult(state, devices, next === undefined ? undefined : nextLink(params, query, next))
  }
  const one = ({ params, query }: HttpRequest) =>
    single(state, edgeOf(state, params), query.get('targetDeviceId') ?? '', query.get('targetModuleId') ?? undefined)
  return [
    { method: 'GET', path: `${BASE}/devicesAndModulesInDeviceScope`, guard: isEdgeHub, handle: list },
    { method: 'GET', path: `${BASE}/deviceAndModuleInDeviceScope`, guard: isEdgeHub, handle: one },
    {
      method: 'POST',
      path: `${BASE}/devicesAndModulesInTargetDeviceScope`,
      guard: isEdgeHub,
      handle: request => nestedPage(state, request),
    },
    {
      method: 'POST',
      path: `${BASE}/getDeviceAndModuleOnBehalfOf`,
      guard: isEdgeHub,
      handle: request => onBehalfOf(state, request),
    },
  ]
}

const isEdgeHub: RouteGuard = (principal, { d = '' }) =>
  principal.kind === 'identity' && sameIdentity(principal.identity, { deviceId: d, moduleId: EDGE_HUB })

function edgeOf({ registry }: HubState, { d = '' }: HttpRequest['params']): RegistryEntry {
  const edge = registry.get({ deviceId: d })
  if (!edge.isEdgeDevice) throw new HubError('ArgumentInvalid', `Device ${d} is not an edge device`)
  return edge
}

/** The devices of a scope, the edge device first. */
function* inScope({ registry }: HubState, edge: RegistryEntry): IterableIterator<RegistryEntry> {
  yield edge
  yield* registry.childrenOf(edge.identity.deviceId)
}

interface Page {
  readonly devices: readonly RegistryEntry[]
  /** What asks for the page after this one. */
  readonly next: string | undefined
}

/** @param continuation - the token of the page before, or the link that it came in */
function page(state: HubState, edge: RegistryEntry, count: number, continuation: unknown): Page {
  const size = Math.min(count > 0 ? count : DEFAULT_PAGE, MAX_PAGE)
  const from = Number(/\d+$/.exec(String(continuation ?? ''))?.[0] ?? 0)
  const all = [...inScope(state, edge)]
  return { devices: all.slice(from, from + size), next: from + size < all.length ? String(from + size) : undefined }
}

/** The hub gives the whole relative address of the next page; its token stands last. */
function nextLink({ d = '' }: HttpRequest['params'], query: URLSearchParams, token: string): string {
  const path = `/devices/${encodeURIComponent(d)}/modules/${encodeURIComponent(EDGE_HUB)}/devicesAndModulesInDeviceScope`
  const next = new URLSearchParams(query)
  next.delete('continuationToken')
  next.append('continuationToken', token)
  return `${path}?${next}`
}

function single(state: HubState, edge: RegistryEntry, deviceId: string, moduleId: string | undefined): HttpResponse {
  for (const device of inScope(state, edge)) {
    if (device.identity.deviceId !== deviceId) continue
    const module = moduleId === undefined ? undefined : state.registry.get({ deviceId, moduleId })
    return {
      status: 200,
      json: { devices: [deviceJson(device)], modules: module === undefined ? [] : [moduleJson(module)] },
    }
  }
  throw new HubError('DeviceNotFound', `Device ${deviceId} is not in the scope of ${edge.identity.deviceId}`)
}

/** The first of the chain names the gateway whose scope is wanted; the last, who asks for it. */
function nestedPage(state: HubState, request: HttpRequest): HttpResponse {
  const { pageSize, continuationLink, authChain } = jsonObjectBody(request.body)
  const target = String(authChain ?? '')
    .split(';')[0]
    ?.split('/')[0]
  const asking = edgeOf(state, request.params)
  const edge = target ? edgeInScope(state, asking, target) : asking
  const { devices, next } = page(state, edge, Number(pageSize), continuationLink)
  return scopeResult(state, devices, next)
}

function edgeInScope(state: HubState, asking: RegistryEntry, deviceId: string): RegistryEntry {
  for (const device of inScope(state, asking)) {
    if (device.identity.deviceId === deviceId && device.isEdgeDevice) return device
  }
  throw new HubError('IotHubUnauthorizedAccess', 'Unauthorized')
}

function onBehalfOf(state: HubState, request: HttpRequest): HttpResponse {
  const { authChain } = jsonObjectBody(request.body)
  const [deviceId = '', moduleId] =
    String(authChain ?? '')
      .split(';')[0]
      ?.split('/') ?? []
  return single(state, edgeOf(state, request.params), deviceId, moduleId)
}

function scopeResult(
  { registry }: HubState,
  devices: readonly RegistryEntry[],
  next: string | undefined,
): HttpResponse {
  const modules = devices.flatMap(({ identity }) => [...registry.modules(identity.deviceId)])
  const json = {
    devices: devices.map(deviceJson),
    modules: modules.map(moduleJson),
    ...(next === undefined ? {} : { continuationLink: next }),
  }
  return { status: 200, json }
}

function deviceJson(entry: RegistryEntry) {
  return {
    deviceId: entry.identity.deviceId,
    generationId: entry.generationId,
    status: entry.status,
    authentication: authenticationJson(entry.authentication),
    capabilities: { iotEdge: entry.isEdgeDevice },
    ...scopes(entry),
  }
}

function moduleJson(entry: RegistryEntry) {
  const { deviceId, moduleId }: Identity = entry.identity
  const { generationId, managedBy } = entry
  return {
    deviceId,
    moduleId,
    generationId,
    managedBy: managedBy ?? null,
    authentication: authenticationJson(entry.authentication),
  }
}
