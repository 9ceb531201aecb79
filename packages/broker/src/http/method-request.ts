import type { Identity, JsonValue, MethodRequest } from '@edgewright/core'
import { isJsonObject } from '@edgewright/core'
import { percentDecode } from '@edgewright/protocol'

/** What a request to call a method may be. Source: wire reference, section 5. */
export const METHOD_LIMITS = Object.freeze({
  maxNameLength: 100,
  maxPayloadBytes: 131_072,
  /** The payload and what stands around it. */
  maxBodyBytes: 196_608,
  /** Seconds. */
  responseTimeout: Object.freeze({ least: 5, most: 300, default: 30 }),
  /** Seconds. */
  connectTimeout: Object.freeze({ least: 0, most: 300, default: 0 }),
})

/** A request that is not one, for the caller to read. */
export class BadRequest {
  constructor(readonly message: string) {}
}

/** Whose method a path is about: `/twins/{d}[/modules/{m}]/methods`; undefined when it is another path. */
export function parseMethodPath(url: string): Identity | undefined {
  const path = url.split('?', 1)[0] ?? ''
  const match = /^\/twins\/([^/]+)(?:\/modules\/([^/]+))?\/methods\/?$/.exec(path)
  if (match === null) return undefined
  const [deviceId, moduleId] = match.slice(1).map(id => (id === undefined ? undefined : percentDecode(id)))
  if (deviceId === undefined) return undefined
  if (match[2] === undefined) return { deviceId }
  return moduleId === undefined ? undefined : { deviceId, moduleId }
}

/** Who calls: `{d}/{m}` in the header `x-ms-edge-moduleId`. */
export function parseCaller(header: string | string[] | undefined): Identity | undefined {
  const match = typeof header === 'string' ? /^([^/]+)\/([^/]+)$/.exec(header) : null
  const [deviceId, moduleId] = (match ?? []).slice(1).map(percentDecode)
  return deviceId === undefined || moduleId === undefined ? undefined : { deviceId, moduleId }
}

/** What is called. The C SDK says `timeout` for the response time-out. */
export function parseMethodBody(text: string): MethodRequest | BadRequest {
  const body = parseJson(text)
  if (!isJsonObject(body)) return new BadRequest('The body is not a JSON object')
  const { methodName: name, payload, responseTimeoutInSeconds, timeout, connectTimeoutInSeconds } = body
  if (typeof name !== 'string' || name.length === 0 || name.length > METHOD_LIMITS.maxNameLength) {
    return new BadRequest(`methodName must be a text of 1 to ${METHOD_LIMITS.maxNameLength} characters`)
  }
  if (payload !== undefined && Buffer.byteLength(JSON.stringify(payload)) > METHOD_LIMITS.maxPayloadBytes) {
    return new BadRequest(`payload must not have more than ${METHOD_LIMITS.maxPayloadBytes} bytes`)
  }
  const responseTimeout = readSeconds(responseTimeoutInSeconds ?? timeout, METHOD_LIMITS.responseTimeout)
  const connectTimeout = readSeconds(connectTimeoutInSeconds, METHOD_LIMITS.connectTimeout)
  if (responseTimeout === undefined) return new BadRequest('responseTimeoutInSeconds must be 5 to 300')
  if (connectTimeout === undefined) return new BadRequest('connectTimeoutInSeconds must be 0 to 300')
  return { name, payload, responseTimeout, connectTimeout }
}

interface SecondsRange {
  readonly least: number
  readonly most: number
  readonly default: number
}

/** In milliseconds; undefined when out of range. */
function readSeconds(value: JsonValue | undefined, range: SecondsRange): number | undefined {
  const seconds = value ?? range.default
  const inRange = typeof seconds === 'number' && seconds >= range.least && seconds <= range.most
  return inRange ? seconds * 1_000 : undefined
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}
