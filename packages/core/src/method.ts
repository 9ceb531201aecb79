import type { JsonValue } from './json.js'

/** A direct method call on its way to a client. */
export interface MethodRequest {
  readonly name: string
  /** Absent when the caller sent none. */
  readonly payload?: JsonValue | undefined
  /** How long the caller waits for the answer, in milliseconds. */
  readonly responseTimeout: number
  /** How long the caller waits for the client to be there, in milliseconds. */
  readonly connectTimeout: number
}

/** The client's answer to a direct method call. The status is the client's own. */
export interface MethodResponse {
  readonly status: number
  readonly payload?: JsonValue | undefined
}
