import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'

/** One half of a twin as the hub keeps it. */
export interface Section {
  readonly properties: JsonObject
  /** The same tree, holding when each part was last changed instead of its value. */
  readonly metadata: JsonObject
  readonly version: number
}

/** What is written into the metadata of everything a patch touches. */
export interface Stamp {
  readonly $lastUpdated: string
  readonly $lastUpdatedVersion?: number
}

/** Applies a merge patch (RFC 7386) to properties and, alongside, the stamp to their metadata. */
export function mergePatch(
  properties: JsonObject,
  metadata: JsonObject,
  patch: JsonObject,
  stamp: Stamp,
): Pick<Section, 'properties' | 'metadata'> {
  const values: Record<string, JsonValue> = { ...properties }
  const stamps: Record<string, JsonValue> = { ...metadata, ...stamp }
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) {
      delete values[name]
      delete stamps[name]
    } else if (isJsonObject(change)) {
      const merged = mergePatch(objectOr(values[name]), objectOr(stamps[name]), change, stamp)
      values[name] = merged.properties
      stamps[name] = merged.metadata
    } else {
      values[name] = change
      stamps[name] = { ...stamp }
    }
  }
  return { properties: values, metadata: stamps }
}

/** The merge patch that leads from one document to another: what is gone is `null`. */
export function diffPatch(from: JsonObject, to: JsonObject): JsonObject {
  const patch: Record<string, JsonValue> = {}
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch[name] = null
  for (const [name, value] of Object.entries(to)) {
    const before = from[name]
    if (isJsonObject(before) && isJsonObject(value)) {
      const inner = diffPatch(before, value)
      if (Object.keys(inner).length > 0) patch[name] = inner
    } else if (JSON.stringify(before) !== JSON.stringify(value)) {
      patch[name] = value
    }
  }
  return patch
}

function objectOr(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}
