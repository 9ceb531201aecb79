import type { JsonObject, SystemProperties } from '@edgewright/core'
import type { AuthenticationMethod, EventSource, HubEvent } from '../state/event.js'

/** An event as one line of a file. */
export function eventToJson(event: HubEvent): JsonObject {
  const { message, sender, authentication, ...rest } = event
  return {
    ...rest,
    sender: { ...sender } as JsonObject,
    authentication: { ...authentication },
    body: Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength).toString('base64'),
    properties: [...message.properties],
    system: message.system as JsonObject,
  }
}

/** Reads what {@link eventToJson} wrote. */
export function eventFromJson(json: JsonObject): HubEvent {
  const { body, properties, system, ...rest } = json as unknown as StoredEvent
  const message = { body: Buffer.from(body, 'base64'), properties: new Map(properties), system }
  return Object.freeze({ ...rest, message })
}

interface StoredEvent extends Omit<HubEvent, 'message'> {
  readonly authentication: AuthenticationMethod
  readonly source: EventSource
  readonly body: string
  readonly properties: readonly (readonly [string, string | null])[]
  readonly system: SystemProperties
}
