import {
  createMessage,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageSource,
  type SystemProperties,
} from '@edgewright/core'
import { closest } from './check/suggest.js'
import { SYSTEM_PROPERTIES, systemProperty } from './check/system-properties.js'
import { documentError, type RouteError } from './errors.js'

/** A message to ask a table about, and where it comes from. */
export interface DescribedMessage {
  readonly message: Message
  readonly source: MessageSource
}

/**
 * A message from a description in JSON, all members optional:
 *
 * - `from`: the path it carries, `/messages/modules/sensor/outputs/temperature`; telemetry of a device by default
 * - `properties`: application properties; values that are no text are written as JSON, null stays
 * - `system`: system properties, by the names that routes have for them
 * - `body`: a text, or JSON of any other kind, which sets content type and encoding unless `system` does
 *
 * @throws RouteError `ROUTE_DOCUMENT` for anything else.
 */
export function readMessageDocument(document: unknown): DescribedMessage {
  if (!isJsonObject(document)) throw malformed('the message is no JSON object')
  const { from = '/messages', properties = {}, system = {}, body = '', ...others } = document
  const [surplus] = Object.keys(others)
  if (surplus !== undefined) throw malformed(`a message has no member ${surplus}`)
  if (!isJsonObject(properties)) throw malformed('the properties are no object')
  if (!isJsonObject(system)) throw malformed('the system properties are no object')
  const form = typeof body === 'string' ? {} : { contentType: 'application/json', contentEncoding: 'utf-8' }
  return {
    message: createMessage({
      body: textOf(body),
      properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, propertyOf(value)])),
      system: { ...form, ...systemOf(system) },
    }),
    source: sourceOf(from),
  }
}

const SOURCE = /^\/messages(?:\/modules\/([^/]+)(?:\/outputs\/(.+?))?)?\/?$/i
const TWIN_CHANGE = /^\/twinChangeNotifications\/?$/i

function sourceOf(from: JsonValue): MessageSource {
  if (typeof from === 'string' && TWIN_CHANGE.test(from)) return { kind: 'twinChange' }
  const path = typeof from === 'string' ? SOURCE.exec(from) : null
  if (path === null) throw malformed(`no message comes from ${JSON.stringify(from)}`)
  const [, moduleId, output] = path
  return { kind: 'telemetry', moduleId, output }
}

function systemOf(system: JsonObject): SystemProperties {
  const fields = Object.entries(system).map(([name, value]) => {
    const field = systemProperty(name, 'edgewright')?.field
    if (field !== undefined) return [field, typeof value === 'number' ? value : textOf(value)]
    const similar = closest(name, NAMES)
    throw malformed(`there is no system property ${name}${similar === undefined ? '' : `; did you mean ${similar}?`}`)
  })
  return Object.fromEntries(fields) as SystemProperties
}

const NAMES: readonly string[] = SYSTEM_PROPERTIES.map(({ name }) => name)

function propertyOf(value: JsonValue): string | null {
  return value === null ? null : textOf(value)
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function malformed(message: string): RouteError {
  return documentError(message, 'Give {"from": "/messages/modules/NAME", "properties": {…}, "system": {…}, "body": …}.')
}
