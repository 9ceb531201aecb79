import type { Identity } from '@edgewright/core'
import { percentDecode, percentEncode } from '../percent.js'
import type { Refusal } from '../refusal.js'
import { clientPath, parseClientPath } from './client-path.js'
import { decodePropertyBag, encodePropertyBag, type PropertyBag } from './property-bag.js'
import { formatTopicParameters, parseTopicParameters } from './topic-parameters.js'
import { NO_REQUEST_ID, UNKNOWN_TOPIC } from './topic-refusal.js'

/** What a hub publishes to a client. Source: wire reference, section 2.4, direction G→D. */
export type HubTopic = InputTopic | CommandTopic | TwinResponseTopic | DesiredTopic | MethodRequestTopic

/** A message on an input of a module. */
export interface InputTopic extends PropertyBag {
  readonly kind: 'input'
  readonly identity: Identity
  readonly input: string
}

/** A cloud-to-device message. */
export interface CommandTopic extends PropertyBag {
  readonly kind: 'command'
  readonly identity: Identity
}

/** The answer to a twin request; `version` is that of the reported properties after a patch. */
export interface TwinResponseTopic {
  readonly kind: 'twin-response'
  readonly status: number
  readonly requestId: string
  readonly version?: number | undefined
}

/** A change of desired properties. */
export interface DesiredTopic {
  readonly kind: 'desired'
  readonly version?: number | undefined
}

/** A direct method call. */
export interface MethodRequestTopic {
  readonly kind: 'method-request'
  readonly name: string
  readonly requestId: string
}

/** Writes a topic that a hub publishes on. The `/` before the bag stays when the bag is empty: SDKs match on it. */
export function formatHubTopic(topic: HubTopic): string {
  switch (topic.kind) {
    case 'input':
      return `${clientPath(topic.identity)}/inputs/${topic.input}/${encodePropertyBag(topic, 'to-client')}`
    case 'command':
      return `${clientPath(topic.identity)}${DEVICEBOUND}${encodePropertyBag(topic, 'to-client')}`
    case 'twin-response':
      return `${TWIN_RESPONSE}${topic.status}/${formatTopicParameters(topic)}`
    case 'desired':
      return `${TWIN_DESIRED}${formatTopicParameters({ version: topic.version })}`
    case 'method-request':
      return `${METHOD_REQUEST}${percentEncode(topic.name)}/${formatTopicParameters(topic)}`
  }
}

/** Reads a topic that a hub publishes on. */
export function parseHubTopic(topic: string): HubTopic | Refusal {
  if (topic.startsWith(TWIN_RESPONSE)) return parseTwinResponse(topic.slice(TWIN_RESPONSE.length))
  if (topic.startsWith(TWIN_DESIRED)) {
    return { kind: 'desired', version: parseTopicParameters(topic.slice(TWIN_DESIRED.length)).version }
  }
  if (topic.startsWith(METHOD_REQUEST)) return parseMethodRequest(topic.slice(METHOD_REQUEST.length))
  return parseDelivery(topic)
}

const DEVICEBOUND = '/messages/devicebound/'
const TWIN_RESPONSE = '$iothub/twin/res/'
const TWIN_DESIRED = '$iothub/twin/PATCH/properties/desired/'
const METHOD_REQUEST = '$iothub/methods/POST/'

function parseDelivery(topic: string): HubTopic | Refusal {
  const path = parseClientPath(topic)
  if (path === undefined) return UNKNOWN_TOPIC
  const { identity, rest } = path
  if (rest.startsWith(DEVICEBOUND)) {
    return { kind: 'command', identity, ...decodePropertyBag(rest.slice(DEVICEBOUND.length), 'to-client') }
  }
  const match = /^\/inputs\/([^/]+)\/(.*)$/s.exec(rest)
  if (match === null) return UNKNOWN_TOPIC
  const [, input = '', bag = ''] = match
  return { kind: 'input', identity, input, ...decodePropertyBag(bag, 'to-client') }
}

function parseTwinResponse(rest: string): HubTopic | Refusal {
  const match = /^(\d{3})\/(.*)$/s.exec(rest)
  if (match === null) return UNKNOWN_TOPIC
  const { requestId, version } = parseTopicParameters(match[2] ?? '')
  if (requestId === undefined) return NO_REQUEST_ID
  return { kind: 'twin-response', status: Number(match[1]), requestId, version }
}

function parseMethodRequest(rest: string): HubTopic | Refusal {
  const slash = rest.indexOf('/')
  if (slash <= 0) return UNKNOWN_TOPIC
  const { requestId } = parseTopicParameters(rest.slice(slash + 1))
  if (requestId === undefined) return NO_REQUEST_ID
  return { kind: 'method-request', name: percentDecode(rest.slice(0, slash)) ?? rest.slice(0, slash), requestId }
}
