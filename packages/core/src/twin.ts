import type { JsonObject } from './json.js'

/** One half of a twin: its properties and the version they have reached. */
export interface TwinProperties {
  readonly properties: JsonObject
  readonly version: number
}

/** The part of a twin that its client sees. */
export interface Twin {
  readonly desired: TwinProperties
  readonly reported: TwinProperties
  /** What of the client's reports the cloud refused after the gateway had taken it; said by the gateway's hub alone. */
  readonly refused?: RefusedReport | undefined
}

/** Reported properties that were confirmed to the client, and that the cloud did not take later. */
export interface RefusedReport {
  /** Top-level names of them. */
  readonly properties: readonly string[]
  /** What the cloud said. */
  readonly reason: string
}

/** A change to desired or reported properties: a JSON merge patch, `null` deletes. */
export interface TwinPatch {
  readonly patch: JsonObject
  /** The version that this change leads to; unknown for a patch that the cloud has not seen. */
  readonly version?: number | undefined
}
