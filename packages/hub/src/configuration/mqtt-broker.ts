import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { type Complain, listAt, objectsAt } from './problem.js'

const OPERATIONS = ['mqtt:connect', 'mqtt:publish', 'mqtt:subscribe']
const DIRECTIONS = ['in', 'out', 'both']
const VARIABLES = ['iot:identity', 'iot:device_id', 'iot:module_id', 'iot:this_device_id', 'mqtt:client_id']
/** The most that MQTT lets a topic weigh, in bytes. */
const MAX_TOPIC_BYTES = 65_535

/**
 * Checks the section that the original's broker took, schema 1.2 and later. It has no effect, there as here; its
 * mistakes are still reported. Source: hub reference, section 6.1.
 */
export function checkMqttBroker(section: JsonValue | undefined, complain: Complain): void {
  if (section === undefined) return
  const place = 'mqttBroker'
  if (!isJsonObject(section)) {
    complain(place, 'is not an object')
    return
  }
  for (const [bridge, at] of objectsAt(section.bridges, `${place}.bridges`, complain)) checkBridge(bridge, at, complain)
  for (const [rule, at] of objectsAt(section.authorizations, `${place}.authorizations`, complain)) {
    checkAuthorization(rule, at, complain)
  }
}

function checkBridge({ endpoint, settings }: JsonObject, place: string, complain: Complain): void {
  if (typeof endpoint !== 'string' || endpoint === '') complain(`${place}.endpoint`, 'is empty')
  const rules = objectsAt(settings, `${place}.settings`, complain)
  if (rules.length === 0 && endpoint !== '$upstream') complain(`${place}.settings`, 'is empty')
  for (const [{ direction, topic, inPrefix, outPrefix }, at] of rules) {
    if (!DIRECTIONS.includes(direction as string)) complain(`${at}.direction`, 'is none of in, out and both')
    if (!isTopicFilter(topic)) complain(`${at}.topic`, 'is not a topic filter')
    if (hasWildcard(inPrefix)) complain(`${at}.inPrefix`, 'has a wildcard, or is not a text')
    if (hasWildcard(outPrefix)) complain(`${at}.outPrefix`, 'has a wildcard, or is not a text')
  }
}

function checkAuthorization({ identities, allow, deny }: JsonObject, place: string, complain: Complain): void {
  const names = listAt(identities, `${place}.identities`, complain)
  if (names.length === 0) complain(`${place}.identities`, 'is empty')
  names.forEach((name, index) => {
    const at = `${place}.identities[${index}]`
    if (typeof name !== 'string' || name === '') complain(at, 'is empty')
    else checkVariables(name, at, complain)
  })
  if (allow === undefined && deny === undefined) complain(place, 'has neither allow nor deny')
  for (const [rule, at] of objectsAt(deny, `${place}.deny`, complain)) checkRule(rule, at, complain)
  for (const [rule, at] of objectsAt(allow, `${place}.allow`, complain)) checkRule(rule, at, complain)
}

function checkRule({ operations, resources }: JsonObject, place: string, complain: Complain): void {
  const wanted = listAt(operations, `${place}.operations`, complain)
  if (wanted.length === 0) complain(`${place}.operations`, 'is empty')
  wanted.forEach((operation, index) => {
    if (!OPERATIONS.includes(operation as string)) {
      complain(`${place}.operations[${index}]`, `is none of ${OPERATIONS.join(', ')}`)
    }
  })
  const topics = listAt(resources, `${place}.resources`, complain)
  const isConnectOnly = wanted.every(operation => operation === 'mqtt:connect')
  if (topics.length === 0 && !isConnectOnly) complain(`${place}.resources`, 'is empty')
  topics.forEach((topic, index) => {
    const at = `${place}.resources[${index}]`
    if (!isTopicFilter(topic)) complain(at, 'is not a topic filter')
    else checkVariables(topic, at, complain)
  })
}

function checkVariables(text: string, place: string, complain: Complain): void {
  for (const [, name] of text.matchAll(/\{\{([^{}]*)\}\}/g)) {
    if (!VARIABLES.includes(name!)) complain(place, `names a variable that there is not: ${name}`)
  }
}

/** Source: MQTT 3.1.1, section 4.7. */
function isTopicFilter(value: JsonValue | undefined): value is string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) return false
  if (Buffer.byteLength(value) > MAX_TOPIC_BYTES) return false
  const levels = value.split('/')
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1
    return level === '+' || !/[#+]/.test(level)
  })
}

function hasWildcard(prefix: JsonValue | undefined): boolean {
  return prefix !== undefined && (typeof prefix !== 'string' || /[#+]/.test(prefix))
}
