import type { JsonObject } from '@edgewright/core'
import { jsonObjectBody } from '../../http/json-body.js'
import type { HttpRequest, HttpResponse, Route } from '../../http/router.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import type { Deployments } from '../deployments.js'
import { select } from '../query/evaluate.js'
import { parseQuery } from '../query/parser.js'
import { configurationJson } from './configuration-json.js'
import { permitted } from './guards.js'
import { twinJson } from './twin-json.js'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1_000

/** Queries over twins and configurations, page by page. */
export function queryRoutes(state: HubState, deployments: Deployments): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/devices/query',
      guard: permitted('ServiceConnect'),
      handle: request => answer(request, state, deployments),
    },
  ]
}

function answer({ headers, body }: HttpRequest, state: HubState, deployments: Deployments): HttpResponse {
  const { query: text } = jsonObjectBody(body)
  if (typeof text !== 'string') throw new HubError('ArgumentInvalid', 'query must be text')
  const query = parseQuery(text)
  const results = select(query, collection(query.from, state, deployments))
  const from = Number(headers['x-ms-continuation'] ?? 0) || 0
  const size = Math.min(Number(headers['x-ms-max-item-count']) || DEFAULT_PAGE, MAX_PAGE)
  const next: Record<string, string> = from + size < results.length ? { 'x-ms-continuation': String(from + size) } : {}
  const itemType = query.selections !== undefined ? 'raw' : query.from === 'configurations' ? 'configuration' : 'twin'
  return { status: 200, headers: { 'x-ms-item-type': itemType, ...next }, json: results.slice(from, from + size) }
}

function* collection(name: string, state: HubState, deployments: Deployments): IterableIterator<JsonObject> {
  if (name === 'configurations') {
    for (const configuration of state.configurations.list()) yield configurationJson(configuration, deployments)
  } else if (name === 'devices' || name === 'devices.modules') {
    const wantsModules = name === 'devices.modules'
    for (const { identity } of state.registry.entries()) {
      if ((identity.moduleId !== undefined) === wantsModules) yield twinJson(identity, state)
    }
  } else {
    throw new HubError('ArgumentInvalid', `There is no collection ${name}`)
  }
}
