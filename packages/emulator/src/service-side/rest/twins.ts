import { isJsonObject, type JsonValue } from '@edgewright/core'
import { wantedEtag } from '../../http/if-match.js'
import { jsonObjectBody } from '../../http/json-body.js'
import type { HttpRequest, HttpResponse, Route } from '../../http/router.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import { permitted } from './guards.js'
import { identityOf } from './identity-path.js'
import { twinJson } from './twin-json.js'

/** Twins: read, merge, replace. */
export function twinRoutes(state: HubState): readonly Route[] {
  const guard = permitted('ServiceConnect')
  return ['/twins/{d}', '/twins/{d}/modules/{m}'].flatMap((path): Route[] => [
    { method: 'GET', path, guard, handle: request => show(request, state) },
    { method: 'PATCH', path, guard, handle: request => change(request, state, 'merge') },
    { method: 'PUT', path, guard, handle: request => change(request, state, 'replace') },
  ])
}

function show({ params }: HttpRequest, state: HubState): HttpResponse {
  const json = twinJson(identityOf(params), state)
  return { status: 200, headers: { etag: `"${json.etag}"` }, json }
}

function change(request: HttpRequest, state: HubState, mode: 'merge' | 'replace'): HttpResponse {
  const { tags, properties } = jsonObjectBody(request.body)
  const desired = isJsonObject(properties) ? properties.desired : undefined
  const parts = { tags: part(tags, 'tags'), desired: part(desired, 'properties.desired') }
  state.twins.change(identityOf(request.params), parts, mode, wantedEtag(request.headers))
  return show(request, state)
}

function part(value: JsonValue | undefined, name: string) {
  if (value === undefined || value === null) return undefined
  if (!isJsonObject(value)) throw new HubError('ArgumentInvalid', `${name} must be an object`)
  return value
}
