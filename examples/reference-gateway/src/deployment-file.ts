import { readFile } from 'node:fs/promises'
import { EdgewrightError, isJsonObject, type JsonValue, type RouteRule } from 'edgewright'

/** What of a deployment document concerns the hub. */
export interface HubDeployment {
  readonly routes: Readonly<Record<string, string | RouteRule>>
  readonly timeToLiveSecs: number | undefined
}

const MAX_BYTES = 1_048_576

/**
 * Reads the `$edgeHub` part of a deployment document.
 *
 * @throws `CONFIG_INVALID` with the file and what is wrong
 */
export async function readDeploymentFile(path: string): Promise<HubDeployment> {
  const document = await readJson(path)
  const modules = member(document, 'modulesContent')
  const desired = member(member(modules, '$edgeHub'), 'properties.desired')
  const routes = member(desired, 'routes')
  if (!isJsonObject(routes))
    throw invalid(path, 'modulesContent.$edgeHub["properties.desired"].routes is not an object')
  for (const [name, rule] of Object.entries(routes)) {
    if (typeof rule !== 'string' && typeof member(rule, 'route') !== 'string')
      throw invalid(path, `route "${name}" has no text`)
  }
  const timeToLive = member(member(desired, 'storeAndForwardConfiguration'), 'timeToLiveSecs')
  return {
    routes: routes as Readonly<Record<string, string>> & HubDeployment['routes'],
    timeToLiveSecs: typeof timeToLive === 'number' ? timeToLive : undefined,
  }
}

async function readJson(path: string): Promise<JsonValue> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length > MAX_BYTES) throw new RangeError(`it is larger than ${MAX_BYTES} bytes`)
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function invalid(path: string, problem: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('CONFIG_INVALID', `The deployment document cannot be used: ${problem}`, {
    place: path,
    remedy: 'See docs/guides/routes.md for what it looks like.',
    cause,
  })
}
