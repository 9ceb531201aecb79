import {
  EdgewrightError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type MethodResponse,
  type Twin,
  type TwinPatch,
  type TwinProperties,
} from '@edgewright/core'

/** A twin request that failed, as the client is told. */
export interface TwinFailure {
  readonly kind: 'failure'
  readonly status: number
  /** IoT Hub's six digits; truthy, because the Node SDK takes anything else for success. */
  readonly errorCode: number
  readonly message: string
}

/** A patch of reported properties. */
export interface ReportedPatch {
  readonly kind: 'patch'
  readonly patch: JsonObject
}

/** Reads the body of a reported patch. */
export function readPatch(body: Buffer): ReportedPatch | TwinFailure {
  const patch = parseJson(body)
  return isJsonObject(patch)
    ? { kind: 'patch', patch }
    : { kind: 'failure', status: 400, errorCode: 400_004, message: 'The reported properties are not a JSON object.' }
}

/** How a failure inside the gateway is told to the client. */
export function twinFailure(error: unknown): TwinFailure {
  const status = (EdgewrightError.is(error) ? STATUS_BY_CODE[error.code] : undefined) ?? 500
  const message = EdgewrightError.is(error) ? error.message : 'Internal error'
  return { kind: 'failure', status, errorCode: ERROR_CODE_BY_STATUS[status] ?? status * 1_000, message }
}

/** The body of a failure. Source: wire reference, section 2.7. */
export function formatFailure(failure: TwinFailure, trackingId: string, now: number): string {
  const { errorCode, message } = failure
  return JSON.stringify({ errorCode, trackingId, message, timestampUtc: new Date(now).toISOString() })
}

/**
 * The body of a twin as its client gets it; what the cloud refused later stands in it as `$refused`, where the SDKs look
 * past it and programs find it. Source: wire reference, section 2.7.
 */
export function formatTwin(twin: Twin): string {
  const { desired, reported, refused } = twin
  return JSON.stringify({
    desired: withVersion(desired),
    reported: refused === undefined ? withVersion(reported) : { ...withVersion(reported), $refused: refused },
  })
}

/** The body of a change of desired properties; `null` values are kept. */
export function formatDesired({ patch, version }: TwinPatch): string {
  return JSON.stringify(version === undefined ? patch : { ...patch, $version: version })
}

/** Reads the answer to a method call; an answer that is not one is told to the caller as 400. */
export function readMethodAnswer(status: number | undefined, body: Buffer): MethodResponse {
  const payload = body.length === 0 ? null : parseJson(body)
  if (status === undefined) return malformedAnswer('The status of the answer is not a number.')
  if (payload === undefined) return malformedAnswer('The body of the answer is not JSON.')
  return body.length === 0 ? { status } : { status, payload }
}

function withVersion({ properties, version }: TwinProperties): JsonObject {
  return { ...properties, $version: version }
}

function malformedAnswer(message: string): MethodResponse {
  return { status: 400, payload: { message } }
}

function parseJson(body: Buffer): JsonValue | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as JsonValue
  } catch {
    return undefined
  }
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  TWIN_INVALID: 400,
  TWIN_UNAVAILABLE: 503,
  UPSTREAM_REFUSED: 400,
  NOT_RUNNING: 503,
  STORE_FULL: 429,
}

const ERROR_CODE_BY_STATUS: Readonly<Record<number, number>> = {
  400: 400_004,
  429: 429_001,
  500: 500_001,
  503: 503_001,
}
