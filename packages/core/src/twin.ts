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
}

/** A change to desired or reported properties: a JSON merge patch, `null` deletes. */
export interface TwinPatch {
  readonly patch: JsonObject
  /** The version that this change leads to; unknown for a patch that the cloud has not seen. */
  readonly version?: number | undefined
}
