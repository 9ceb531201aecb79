import {
  type EdgewrightError,
  type Identity,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Twin,
  type TwinPatch,
  type TwinProperties,
} from '@edgewright/core'
import { offline, refused, throttled, unauthorized } from './errors.js'

/**
 * The twin in the hub's form: both halves, each with `$version`, and perhaps `$metadata`, which nobody below has use for.
 *
 * @throws `UPSTREAM_REFUSED` when it is none
 */
export function parseTwin(body: Uint8Array): Twin {
  const document = parseJson(body)
  if (!isJsonObject(document) || !isJsonObject(document.desired) || !isJsonObject(document.reported)) {
    throw refused('the answer is no twin')
  }
  return { desired: half(document.desired), reported: half(document.reported) }
}

/** A change of desired properties; undefined when it is none. */
export function parseDesiredPatch(body: Uint8Array, version?: number): TwinPatch | undefined {
  const document = parseJson(body)
  if (!isJsonObject(document)) return undefined
  const { properties, version: inBody } = half(document)
  const known = version ?? (inBody > 0 ? inBody : undefined)
  return known === undefined ? { patch: properties } : { patch: properties, version: known }
}

/** JSON as it goes to the hub. */
export function jsonBytes(value: JsonValue | undefined): Buffer {
  return value === undefined ? EMPTY : Buffer.from(JSON.stringify(value), 'utf8')
}

/** What a body says; undefined when it is empty or not JSON. */
export function parseJson(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
  } catch {
    return undefined
  }
}

/** What went wrong, in the hub's words: its `message`, or the whole body. */
export function failureText(status: number, body: Uint8Array): string {
  const document = parseJson(body)
  const message = isJsonObject(document) ? (document.message ?? document.Message) : undefined
  const text = typeof message === 'string' ? message : Buffer.from(body).toString('utf8')
  return `${status} ${text}`.trim().slice(0, MAX_TEXT)
}

/** What a caller of `CloudSession` is told when the hub answers a twin request with a failure. */
export function requestFailure(identity: Identity, status: number, body: Uint8Array): EdgewrightError {
  const text = failureText(status, body)
  if (status === 429) return throttled(text)
  if (status === 401 || status === 403 || status === 404) return unauthorized(identity, text)
  return status >= 500 || status === 408 ? offline(text) : refused(text)
}

const EMPTY = Buffer.alloc(0)
const MAX_TEXT = 300

function half(document: JsonObject): TwinProperties {
  const { $version, $metadata: _, ...properties } = document
  return { properties, version: typeof $version === 'number' ? $version : 0 }
}
