import { readFile } from 'node:fs/promises'
import { EdgewrightError, isJsonObject, type JsonValue, readRouteDocument, type RouteRules } from 'edgewright'

/** What of a deployment document concerns the hub. */
export interface HubDeployment {
  readonly routes: RouteRules
  readonly timeToLiveSecs: number | undefined
}

const MAX_CHARACTERS = 1_048_576

/**
 * Reads the `$edgeHub` part of a deployment document.
 *
 * @throws `CONFIG_INVALID` with the file and what is wrong
 */
export async function readDeploymentFile(path: string): Promise<HubDeployment> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length > MAX_CHARACTERS) throw new RangeError(`it is longer than ${MAX_CHARACTERS} characters`)
    const document: JsonValue = JSON.parse(text)
    return { routes: readRouteDocument(document).rules, timeToLiveSecs: timeToLiveOf(document) }
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new EdgewrightError('CONFIG_INVALID', `The deployment document cannot be used: ${problem}`, {
      place: path,
      remedy: 'See docs/guides/routes.md for what it looks like.',
      cause,
    })
  }
}

function timeToLiveOf(document: JsonValue): number | undefined {
  const way = ['modulesContent', '$edgeHub', 'properties.desired', 'storeAndForwardConfiguration', 'timeToLiveSecs']
  const value = way.reduce<JsonValue | undefined>((at, name) => (isJsonObject(at) ? at[name] : undefined), document)
  return typeof value === 'number' ? value : undefined
}
