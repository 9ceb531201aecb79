import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'

/** Something in the desired properties that cannot be used. The rest can. */
export interface ConfigurationProblem {
  /** Path within the desired properties: `routes.hot`, `schemaVersion`. */
  readonly place: string
  readonly problem: string
}

/** Takes note of what cannot be used. */
export type Complain = (place: string, problem: string) => void

/** The items of a list; none, with a complaint, when it is no list. */
export function listAt(value: JsonValue | undefined, place: string, complain: Complain): readonly JsonValue[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  complain(place, 'is not a list')
  return []
}

/** The objects of a list, each with its place; what is no object is complained about. */
export function objectsAt(
  value: JsonValue | undefined,
  place: string,
  complain: Complain,
): readonly (readonly [JsonObject, string])[] {
  return listAt(value, place, complain).flatMap((item, index) => {
    const itemPlace = `${place}[${index}]`
    if (isJsonObject(item)) return [[item, itemPlace] as const]
    complain(itemPlace, 'is not an object')
    return []
  })
}
