import { isJsonObject, type JsonObject, type JsonValue } from './json.js'

/** A document after a merge patch: objects merge, `null` deletes, everything else replaces. Source: RFC 7396. */
export function applyMergePatch(document: JsonObject, patch: JsonObject): JsonObject {
  const result = new Map(Object.entries(document))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name)
    else result.set(name, mergeValue(result.get(name), value))
  }
  return Object.fromEntries(result)
}

/**
 * One patch with the effect of two, the second after the first. Deletions stay in it.
 *
 * @param base - the document that it will be applied to, as far as it is known: a deletion that the second patch
 *   replaces with an object must name what the base had there, or it would come back
 */
export function combineMergePatches(first: JsonObject, second: JsonObject, base: JsonObject = {}): JsonObject {
  const result = new Map(Object.entries(first))
  for (const [name, value] of Object.entries(second)) {
    const [before, under] = [result.get(name), Object.hasOwn(base, name) ? base[name] : undefined]
    result.set(name, isJsonObject(value) ? combineObjects(before, value, isJsonObject(under) ? under : {}) : value)
  }
  return Object.fromEntries(result)
}

function combineObjects(before: JsonValue | undefined, value: JsonObject, base: JsonObject): JsonObject {
  if (before === undefined) return value
  if (isJsonObject(before)) return combineMergePatches(before, value, base)
  // The first patch put something else in the object's place, so nothing of what was there is to stay.
  const cleared = Object.fromEntries(Object.keys(base).map(name => [name, null]))
  return combineMergePatches(cleared, value, base)
}

/** The merge patch that leads from one document to another; empty when they are equal. */
export function diffMergePatch(from: JsonObject, to: JsonObject): JsonObject {
  const patch: [string, JsonValue][] = []
  for (const name of Object.keys(from)) {
    if (!Object.hasOwn(to, name)) patch.push([name, null])
  }
  for (const [name, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, name) ? from[name] : undefined
    if (isJsonObject(value) && isJsonObject(before)) {
      const inner = diffMergePatch(before, value)
      if (Object.keys(inner).length > 0) patch.push([name, inner])
    } else if (JSON.stringify(value) !== JSON.stringify(before)) patch.push([name, value])
  }
  return Object.fromEntries(patch)
}

function mergeValue(before: JsonValue | undefined, value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value
  return applyMergePatch(isJsonObject(before) ? before : {}, value)
}
