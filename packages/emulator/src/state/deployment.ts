import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { HubError } from './hub-error.js'

/** What a deployment says of each module: paths below the module's twin and their values. */
export type ModulesContent = Readonly<Record<string, JsonObject>>

/** Desired properties of each module after all layers. */
export type ComposedModules = ReadonlyMap<string, JsonObject>

const ROOT = 'properties.desired'

/**
 * Lays deployments over one another, the first at the bottom. `properties.desired` sets a module's desired properties as
 * a whole; `properties.desired.a.b` of a layer sets one part of what is below it. Source: IoT Edge, layered deployments.
 *
 * @throws `HUB_ARGUMENT_INVALID` when a key is neither
 */
export function composeModules(layers: readonly ModulesContent[]): ComposedModules {
  const composed = new Map<string, JsonObject>()
  for (const layer of layers) {
    for (const [moduleId, content] of Object.entries(layer)) {
      let desired = composed.get(moduleId) ?? {}
      for (const [key, value] of Object.entries(content)) desired = withPart(desired, key, value)
      composed.set(moduleId, desired)
    }
  }
  return composed
}

/** Whether a deployment only adds to another: it sets none of the agent's properties as a whole. */
export function isLayer(content: ModulesContent): boolean {
  return content.$edgeAgent?.[ROOT] === undefined
}

/** Reads the `modulesContent` of a request. @throws `HUB_ARGUMENT_INVALID` */
export function modulesContentFromJson(json: JsonValue | undefined): ModulesContent {
  if (!isJsonObject(json) || !Object.values(json).every(isJsonObject)) {
    throw new HubError('ArgumentInvalid', 'modulesContent must be an object with an object for each module')
  }
  return json as ModulesContent
}

/** The modules that a composed deployment runs, as the agent's desired properties list them. */
export function deployedModules(composed: ComposedModules): ReadonlySet<string> {
  const modules = composed.get('$edgeAgent')?.modules
  return new Set(isJsonObject(modules) ? Object.keys(modules) : [])
}

/** The properties with one part set, that `key` names from the twin's root. @throws `HUB_ARGUMENT_INVALID` */
export function withPart(properties: JsonObject, key: string, value: JsonValue): JsonObject {
  if (key !== ROOT && !key.startsWith(`${ROOT}.`)) {
    throw new HubError('ArgumentInvalid', `${key} does not begin with ${ROOT}`)
  }
  return setAt(properties, key.split('.').slice(2), value) as JsonObject
}

function setAt(target: JsonValue | undefined, path: readonly string[], value: JsonValue): JsonValue {
  const [name, ...rest] = path
  if (name === undefined) return value
  const object = isJsonObject(target) ? target : {}
  return { ...object, [name]: setAt(object[name], rest, value) }
}
