import type { Identity } from '@edgewright/core'
import { percentDecode, percentEncode } from '../percent.js'
import { Refusal } from '../refusal.js'

/** What the user name of a CONNECT says. Source: wire reference, section 2.2. */
export interface MqttUsername {
  /** Host of the IoT Hub, also when the client speaks to a gateway. */
  readonly host: string
  readonly identity: Identity
  readonly apiVersion: string
  /** Language and version of the client. */
  readonly productInfo?: string | undefined
  readonly modelId?: string | undefined
  /** Ids from leaf to the presenting edge device, joined by `;`. */
  readonly authChain?: string | undefined
}

/**
 * Reads `{hub}/{d}[/{m}]/?api-version=…&…`. The `?` may be missing before `api-version=`; of names that repeat the
 * first counts; unknown names are ignored.
 */
export function parseUsername(username: string): MqttUsername | Refusal {
  const text = username.replace('/DeviceClientType=', '&DeviceClientType=')
  const lastSlash = text.lastIndexOf('/')
  const tail = text.slice(lastSlash + 1)
  const [host, deviceId, moduleId, ...more] = text.slice(0, Math.max(lastSlash, 0)).split('/')
  const hasTail = tail.startsWith('?') || tail.includes('api-version=')
  if (!hasTail || !host || !isId(deviceId) || (moduleId !== undefined && !isId(moduleId)) || more.length > 0) {
    return new Refusal('the user name is not {hub}/{device}[/{module}]/?api-version=…', 0)
  }
  const parameters = parseParameters(tail)
  const apiVersion = parameters.get('api-version')
  if (!apiVersion) return new Refusal('the user name has no api-version', lastSlash + 1)
  return {
    host,
    identity: moduleId === undefined ? { deviceId } : { deviceId, moduleId },
    apiVersion,
    productInfo: parameters.get('DeviceClientType'),
    modelId: parameters.get('model-id'),
    authChain: parameters.get('auth-chain'),
  }
}

/** Writes what {@link parseUsername} reads. */
export function formatUsername(username: MqttUsername): string {
  const { host, identity, apiVersion, productInfo, modelId, authChain } = username
  const path = identity.moduleId === undefined ? identity.deviceId : `${identity.deviceId}/${identity.moduleId}`
  const parameters = [
    ['api-version', apiVersion],
    ['model-id', modelId],
    ['DeviceClientType', productInfo],
    ['auth-chain', authChain],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${percentEncode(value)}`]))
  return `${host}/${path}/?${parameters.join('&')}`
}

/** The most characters that a device or module id may have. */
const MAX_ID_LENGTH = 128

function isId(text: string | undefined): text is string {
  return text !== undefined && text.length > 0 && text.length <= MAX_ID_LENGTH
}

function parseParameters(tail: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of tail.slice(tail.startsWith('?') ? 1 : 0).split('&')) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals)
    if (equals > 0 && !parameters.has(name)) parameters.set(name, decodeValue(pair.slice(equals + 1)))
  }
  return parameters
}

function decodeValue(text: string): string {
  return percentDecode(text) ?? text
}
