import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { HubError } from '../state/hub-error.js'

/** A request body as JSON; undefined when it is empty. @throws `HUB_ARGUMENT_INVALID` */
export function jsonBody(body: Buffer): JsonValue | undefined {
  if (body.byteLength === 0) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new HubError('ArgumentInvalid', 'The body is not JSON')
  }
}

/** A request body that must be a JSON object. @throws `HUB_ARGUMENT_INVALID` */
export function jsonObjectBody(body: Buffer): JsonObject {
  const value = jsonBody(body)
  if (!isJsonObject(value)) throw new HubError('ArgumentInvalid', 'The body is not a JSON object')
  return value
}
