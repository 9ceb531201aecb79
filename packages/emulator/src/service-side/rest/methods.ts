import type { JsonObject, MethodRequest } from '@edgewright/core'
import { jsonObjectBody } from '../../http/json-body.js'
import type { Route } from '../../http/router.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import { permitted } from './guards.js'
import { identityOf } from './identity-path.js'

const MAX_PAYLOAD_BYTES = 131_072
const MAX_NAME_LENGTH = 100

/** Direct methods: the answer of the client, or why there is none. */
export function methodRoutes(state: HubState): readonly Route[] {
  return ['/twins/{d}/methods', '/twins/{d}/modules/{m}/methods'].map(path => ({
    method: 'POST',
    path,
    guard: permitted('ServiceConnect'),
    async handle({ params, body }) {
      const { status, payload = null } = await state.methods.invoke(
        identityOf(params),
        methodFromJson(jsonObjectBody(body)),
      )
      return { status: 200, json: { status, payload } }
    },
  }))
}

/** Reads a call. Source: IoT Hub developer guide, direct methods. @throws `HUB_ARGUMENT_INVALID` */
export function methodFromJson(json: JsonObject): MethodRequest {
  const { methodName: name, payload } = json
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH) {
    throw new HubError('ArgumentInvalid', `methodName must be text of 1 to ${MAX_NAME_LENGTH} characters`)
  }
  if (payload !== undefined && Buffer.byteLength(JSON.stringify(payload), 'utf8') > MAX_PAYLOAD_BYTES) {
    throw new HubError('ArgumentInvalid', `payload may hold ${MAX_PAYLOAD_BYTES} bytes`)
  }
  return {
    name,
    payload,
    responseTimeout: milliseconds(json, 'responseTimeoutInSeconds', 30, 5),
    connectTimeout: milliseconds(json, 'connectTimeoutInSeconds', 0, 0),
  }
}

function milliseconds(json: JsonObject, name: string, otherwise: number, least: number): number {
  const seconds = json[name] ?? otherwise
  if (typeof seconds !== 'number' || seconds < least || seconds > 300) {
    throw new HubError('ArgumentInvalid', `${name} must be a number from ${least} to 300`)
  }
  return seconds * 1_000
}
