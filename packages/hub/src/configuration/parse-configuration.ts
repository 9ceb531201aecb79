import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'

/** Something in the desired properties that cannot be used. The rest can. */
export interface ConfigurationProblem {
  /** Path within the desired properties: `routes.hot`, `schemaVersion`. */
  readonly place: string
  readonly problem: string
}

/** What the desired properties of `$edgeHub` ask for. */
export interface ParsedConfiguration {
  /** Rules by name, as they came; compiling says which of them can be used. */
  readonly routes: JsonObject
  /** Seconds; negative: for ever. */
  readonly timeToLiveSecs: number | undefined
  readonly problems: readonly ConfigurationProblem[]
}

/** A document that cannot be used as a whole. */
export interface UnusableConfiguration {
  readonly problems: readonly [ConfigurationProblem]
}

/**
 * Reads the desired properties of `$edgeHub`. Source: IoT Edge deployment schema 1.0 to 1.3, `$edgeHub`.
 *
 * Parts that only the original's broker knew (`mqttBroker`) and signatures (`integrity`) are passed over.
 */
export function parseConfiguration(desired: JsonObject): ParsedConfiguration | UnusableConfiguration {
  const version = desired.schemaVersion
  if (typeof version !== 'string' || !/^1\.[0-3](\.\d+){0,2}$/.test(version)) {
    const problem = `${JSON.stringify(version) ?? 'nothing'} is not a schema version from 1.0 to 1.3`
    return { problems: [{ place: 'schemaVersion', problem }] }
  }
  const problems: ConfigurationProblem[] = []
  const routes = desired.routes ?? {}
  if (!isJsonObject(routes)) problems.push({ place: 'routes', problem: 'is not an object' })
  return {
    routes: isJsonObject(routes) ? routes : {},
    timeToLiveSecs: timeToLive(desired.storeAndForwardConfiguration, problems),
    problems,
  }
}

/** Whether a document can be used at all. */
export function isUsable(parsed: ParsedConfiguration | UnusableConfiguration): parsed is ParsedConfiguration {
  return 'routes' in parsed
}

function timeToLive(configuration: JsonValue | undefined, problems: ConfigurationProblem[]): number | undefined {
  if (configuration === undefined) return undefined
  const place = 'storeAndForwardConfiguration'
  if (!isJsonObject(configuration)) {
    problems.push({ place, problem: 'is not an object' })
    return undefined
  }
  const seconds = configuration.timeToLiveSecs
  if (seconds === undefined || (typeof seconds === 'number' && Number.isInteger(seconds))) return seconds
  problems.push({ place: `${place}.timeToLiveSecs`, problem: 'is not a whole number of seconds' })
  return undefined
}
