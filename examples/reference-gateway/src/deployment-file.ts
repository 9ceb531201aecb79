import { readFile } from 'node:fs/promises'
import {
  EdgewrightError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  readRouteDocument,
  type RouteRules,
} from 'edgewright'

const MAX_CHARACTERS = 1_048_576

/** Reads a deployment document. @throws `CONFIG_INVALID` with the file and what is wrong */
export async function readDocument(path: string): Promise<JsonObject> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length > MAX_CHARACTERS) throw new RangeError(`it is longer than ${MAX_CHARACTERS} characters`)
    const document: JsonValue = JSON.parse(text)
    if (!isJsonObject(document)) throw new TypeError('it is not a JSON object')
    return document
  } catch (cause) {
    throw unusable(path, cause)
  }
}

/** What of a deployment document concerns the hub. */
export interface HubDeployment {
  readonly routes: RouteRules
  readonly timeToLiveSecs: number | undefined
}

/**
 * Reads the `$edgeHub` part of a deployment document; undefined when it has none and is about modules only.
 *
 * @throws `CONFIG_INVALID` with the file and what is wrong
 */
export async function readDeploymentFile(path: string): Promise<HubDeployment | undefined> {
  const document = await readDocument(path)
  if (hasModules(document) && !('$edgeHub' in contentOf(document))) return undefined
  try {
    return { routes: readRouteDocument(document).rules, timeToLiveSecs: timeToLiveOf(document) }
  } catch (cause) {
    throw unusable(path, cause)
  }
}

function unusable(path: string, cause: unknown): EdgewrightError {
  const problem = cause instanceof Error ? cause.message : String(cause)
  return new EdgewrightError('CONFIG_INVALID', `The deployment document cannot be used: ${problem}`, {
    place: path,
    remedy: 'See docs/guides/routes.md and docs/guides/modules.md for what it looks like.',
    cause,
  })
}

function timeToLiveOf(document: JsonValue): number | undefined {
  const way = ['modulesContent', '$edgeHub', 'properties.desired', 'storeAndForwardConfiguration', 'timeToLiveSecs']
  const value = way.reduce<JsonValue | undefined>((at, name) => (isJsonObject(at) ? at[name] : undefined), document)
  return typeof value === 'number' ? value : undefined
}

/** Whether a document says what modules are to run. */
export function hasModules(document: JsonObject): boolean {
  const content = contentOf(document)
  return '$edgeAgent' in content || 'systemModules' in content
}

/** The parts of a document, with or without their usual wrapper. */
function contentOf(document: JsonObject): JsonObject {
  return isJsonObject(document.modulesContent) ? document.modulesContent : document
}
