import { describeError, isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { compileRoutes, type RouteSchema } from '@edgewright/router'
import { checkMqttBroker } from './mqtt-broker.js'
import type { Complain, ConfigurationProblem } from './problem.js'

/** What the desired properties of `$edgeHub` ask for. What is undefined says nothing: what was in force stays. */
export interface ParsedConfiguration {
  /** Rules by name that can be used. */
  readonly routes: JsonObject | undefined
  /** Names of rules that cannot be used. */
  readonly broken: ReadonlySet<string>
  /** Seconds; 0 or less: for ever. */
  readonly timeToLiveSecs: number | undefined
  readonly problems: readonly ConfigurationProblem[]
}

/**
 * Reads the desired properties of `$edgeHub`, and finds everything that is wrong with them.
 * Source: hub reference, section 6.1; IoT Edge deployment schema 1.0 to 1.3.
 *
 * The limit of the original's store is checked and passed over: the store here has a quota of its own. So is the
 * signature of a manifest (`integrity`).
 */
export function parseConfiguration(desired: JsonObject): ParsedConfiguration {
  const problems: ConfigurationProblem[] = []
  const complain: Complain = (place, problem) => problems.push({ place, problem })
  const minor = minorVersion(desired.schemaVersion)
  if (minor === undefined) {
    const given = JSON.stringify(desired.schemaVersion) ?? 'nothing'
    complain('schemaVersion', `${given} is not a schema version from 1.0 to 1.3`)
    return { routes: undefined, broken: new Set(), timeToLiveSecs: undefined, problems }
  }
  if (minor >= 2) checkMqttBroker(desired.mqttBroker, complain)
  const section = sectionOf(desired, 'routes', minor, complain)
  const { routes, broken } = usableRoutes(section, minor === 0 ? '1.0' : '1.1', complain)
  const storing = sectionOf(desired, 'storeAndForwardConfiguration', minor, complain)
  const timeToLiveSecs = storing && timeToLive(storing, minor, complain)
  return { routes: section && routes, broken, timeToLiveSecs, problems }
}

function minorVersion(version: JsonValue | undefined): number | undefined {
  const match = typeof version === 'string' ? /^1\.([0-3])(\.\d+)*$/.exec(version) : null
  return match === null ? undefined : Number(match[1])
}

/** Sections may be absent in schema 1.0 only. */
function sectionOf(desired: JsonObject, place: string, minor: number, complain: Complain): JsonObject | undefined {
  const section = desired[place] ?? (minor === 0 ? {} : undefined)
  if (isJsonObject(section)) return section
  complain(place, section === undefined ? 'is missing' : 'is not an object')
  return undefined
}

function usableRoutes(rules: JsonObject = {}, schema: RouteSchema, complain: Complain) {
  const { errors } = compileRoutes(rules, { schema })
  for (const error of errors) complain(`routes.${error.route}`, describeError(error))
  const broken = new Set(errors.map(({ route }) => route))
  const isUsable = ([name, rule]: [string, JsonValue]) => !broken.has(name) && !isBlank(rule)
  return { routes: Object.fromEntries(Object.entries(rules).filter(isUsable)), broken }
}

function isBlank(rule: JsonValue): boolean {
  return typeof rule === 'string' && rule.trim() === ''
}

function timeToLive(section: JsonObject, minor: number, complain: Complain): number | undefined {
  const place = 'storeAndForwardConfiguration'
  const { timeToLiveSecs: seconds, storeLimits } = section
  if (storeLimits !== undefined) {
    const most = isJsonObject(storeLimits) ? (storeLimits.maxSizeBytes ?? 1) : undefined
    if (!Number.isSafeInteger(most) || Number(most) <= 0) {
      complain(`${place}.storeLimits.maxSizeBytes`, 'is not a whole number of bytes')
    }
  }
  if (Number.isSafeInteger(seconds)) return Number(seconds)
  if (seconds !== undefined) complain(`${place}.timeToLiveSecs`, 'is not a whole number of seconds')
  else if (minor > 0) complain(`${place}.timeToLiveSecs`, 'is missing')
  return undefined
}
