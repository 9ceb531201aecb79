import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import type { RouteSchema } from './check/rule.js'
import { type CompiledRoutes, type CompileOptions, compileRoutes } from './compile-routes.js'
import { documentError, RouteError } from './errors.js'

/** The rules of a document, and what else it says about them. */
export interface RouteDocument {
  readonly rules: JsonObject
  readonly schema: RouteSchema
  /** Ids of the modules of the deployment; absent when the document does not hold all of them. */
  readonly modules: readonly string[] | undefined
}

const ROUTES = 'routes'
const DESIRED = 'properties.desired'
const LAYERED_ROUTE = `${DESIRED}.${ROUTES}.`

/**
 * Finds the rules in a deployment manifest (`modulesContent`, also within `content`; whole or layered), in the desired
 * properties of `$edgeHub`, in an object with a member `routes`, or in a bare map of names to rules.
 *
 * @throws RouteError `ROUTE_DOCUMENT` when there are none.
 */
export function readRouteDocument(document: unknown): RouteDocument {
  if (!isJsonObject(document)) throw notFound('the document is no JSON object')
  const content = [document.modulesContent, memberOf(document.content, 'modulesContent')].find(isJsonObject)
  if (content !== undefined) return readManifest(content)
  const desired = memberOf(document, DESIRED)
  if (isJsonObject(desired)) return readDesired(desired, undefined)
  if (isJsonObject(document[ROUTES])) return readDesired(document, undefined)
  const layered = layeredRules(document)
  return { rules: Object.keys(layered).length > 0 ? layered : document, schema: '1.1', modules: undefined }
}

/** Compiles the rules of a document and lints them with what the document says about modules. */
export function checkRoutes(document: unknown, options: CompileOptions = {}): CompiledRoutes {
  try {
    const { rules, schema, modules } = readRouteDocument(document)
    return compileRoutes(rules, { schema, ...(modules && { modules }), ...options })
  } catch (error) {
    if (!(error instanceof RouteError)) throw error
    return { ...compileRoutes({}, options), errors: [error] }
  }
}

function readManifest(content: JsonObject): RouteDocument {
  const hub = content.$edgeHub
  if (!isJsonObject(hub)) throw notFound('the manifest has no $edgeHub')
  const desired = hub[DESIRED]
  const modules = modulesOf(content)
  if (isJsonObject(desired)) return readDesired(desired, modules)
  const layer = hub[`${DESIRED}.${ROUTES}`]
  const rules = { ...(isJsonObject(layer) && layer), ...layeredRules(hub) }
  if (Object.keys(rules).length === 0) throw notFound('$edgeHub has no desired routes')
  return { rules, schema: '1.1', modules }
}

function readDesired(desired: JsonObject, modules: readonly string[] | undefined): RouteDocument {
  const rules = desired[ROUTES]
  if (!isJsonObject(rules)) throw notFound('the desired properties have no object "routes"')
  return { rules, schema: desired.schemaVersion === '1.0' ? '1.0' : '1.1', modules }
}

/** Layered deployments name each route in a member of its own. */
function layeredRules(hub: JsonObject): JsonObject {
  const rules = Object.entries(hub).filter(([name]) => name.startsWith(LAYERED_ROUTE))
  return Object.fromEntries(rules.map(([name, rule]) => [name.slice(LAYERED_ROUTE.length), rule]))
}

/** A layer holds only some of the modules, so it names none. */
function modulesOf(content: JsonObject): readonly string[] | undefined {
  const modules = memberOf(memberOf(content.$edgeAgent, DESIRED), 'modules')
  return isJsonObject(modules) ? Object.keys(modules) : undefined
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined
}

function notFound(message: string): RouteError {
  return documentError(message, 'Give a deployment manifest, {"routes": {…}}, or {"NAME": "FROM … INTO …"}.')
}
