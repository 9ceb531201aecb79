import { ifMatch, wantedEtag } from '../../http/if-match.js'
import { jsonObjectBody } from '../../http/json-body.js'
import type { HttpRequest, HttpResponse, Route } from '../../http/router.js'
import type { Configuration } from '../../state/configurations.js'
import { modulesContentFromJson } from '../../state/deployment.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import type { Deployments } from '../deployments.js'
import { configurationFromJson, configurationJson } from './configuration-json.js'
import { permitted } from './guards.js'

const MAX_LISTED = 100

/** Automatic configurations, and deployments that are applied to one edge device by hand. */
export function configurationRoutes(state: HubState, deployments: Deployments): readonly Route[] {
  const read = permitted('RegistryRead')
  const write = permitted('RegistryWrite')
  const { configurations } = state
  const show = (configuration: Configuration): HttpResponse => ({
    status: 200,
    headers: { etag: `"${configuration.etag}"` },
    json: configurationJson(configuration, deployments),
  })
  return [
    {
      method: 'GET',
      path: '/configurations',
      guard: read,
      handle: ({ query }) => {
        const top = Number(query.get('top')) || MAX_LISTED
        const listed = configurations.list().slice(0, top)
        return { status: 200, json: listed.map(configuration => configurationJson(configuration, deployments)) }
      },
    },
    {
      method: 'GET',
      path: '/configurations/{id}',
      guard: read,
      handle: ({ params }) => show(configurations.get(params.id ?? '')),
    },
    { method: 'PUT', path: '/configurations/{id}', guard: write, handle: request => show(put(request, state)) },
    {
      method: 'DELETE',
      path: '/configurations/{id}',
      guard: write,
      handle: ({ params, headers }) => {
        configurations.remove(params.id ?? '', wantedEtag(headers))
        return { status: 204 }
      },
    },
    {
      method: 'POST',
      path: '/devices/{d}/applyConfigurationContent',
      guard: write,
      handle: request => apply(request, state, deployments),
    },
  ]
}

/** Without `If-Match` a configuration is made; with it, it is changed. */
function put({ params, headers, body }: HttpRequest, { configurations }: HubState): Configuration {
  const { id = '' } = params
  const change = configurationFromJson(jsonObjectBody(body))
  if (ifMatch(headers).kind === 'absent') return configurations.create(id, change)
  return configurations.update(id, change, wantedEtag(headers))
}

function apply({ params, body }: HttpRequest, state: HubState, deployments: Deployments): HttpResponse {
  const { d: deviceId = '' } = params
  if (!state.registry.get({ deviceId }).isEdgeDevice) {
    throw new HubError('ArgumentInvalid', `Device ${deviceId} is not an edge device`)
  }
  deployments.apply(deviceId, modulesContentFromJson(jsonObjectBody(body).modulesContent))
  return { status: 204 }
}
