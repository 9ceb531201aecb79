import type { RouteTarget } from '@edgewright/core'
import { inputEndpointId } from './input-endpoint.js'
import { UPSTREAM_ENDPOINT_ID } from './upstream-endpoint.js'

/** Id of the endpoint that a route leads to. */
export function endpointIdOf(target: RouteTarget): string {
  return target.kind === 'upstream' ? UPSTREAM_ENDPOINT_ID : inputEndpointId(target.moduleId, target.input)
}
