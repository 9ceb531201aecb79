import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { jsonBody } from '../../http/json-body.js'
import type { HttpRequest, HttpResponse, Route } from '../../http/router.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import { permitted } from './guards.js'
import { deviceFromJson } from './identity-json.js'

/** The most devices of one call. Source: IoT Hub REST reference, `Bulk Registry`. */
const MAX_DEVICES = 100

/** Many devices in one call; what cannot be done to one does not keep the others. */
export function bulkRoutes(state: HubState): readonly Route[] {
  return [
    { method: 'POST', path: '/devices', guard: permitted('RegistryWrite'), handle: request => bulk(request, state) },
  ]
}

function bulk({ body }: HttpRequest, state: HubState): HttpResponse {
  const devices = jsonBody(body)
  if (!Array.isArray(devices) || devices.length > MAX_DEVICES) {
    throw new HubError('ArgumentInvalid', `The body must be a list of at most ${MAX_DEVICES} devices`)
  }
  const errors = devices.flatMap(device => attempt(device, state))
  return {
    status: errors.length === 0 ? 200 : 400,
    json: { isSuccessful: errors.length === 0, errors, warnings: [] },
  }
}

function attempt(device: JsonValue, state: HubState): JsonObject[] {
  const id = isJsonObject(device) ? device.id : undefined
  try {
    if (!isJsonObject(device)) throw new HubError('ArgumentInvalid', 'A device must be an object')
    change(device, state)
    return []
  } catch (error) {
    const refusal = HubError.from(error)
    return [{ deviceId: id ?? null, errorCode: refusal.refusal, errorStatus: refusal.message }]
  }
}

function change(json: JsonObject, { registry }: HubState): void {
  const device = deviceFromJson(json)
  const identity = { deviceId: device.deviceId }
  const { importMode, eTag } = json
  const etag = typeof eTag === 'string' ? eTag.replace(/^"|"$/g, '') : undefined
  switch (String(importMode).toLowerCase()) {
    case 'create':
      registry.createDevice(device)
      break
    case 'update':
      registry.update(identity, device)
      break
    case 'updateifmatchetag':
      registry.update(identity, device, etag)
      break
    case 'delete':
      registry.remove(identity)
      break
    case 'deleteifmatchetag':
      registry.remove(identity, etag)
      break
    default:
      throw new HubError('ArgumentInvalid', `importMode ${String(importMode)} is not known`)
  }
}
