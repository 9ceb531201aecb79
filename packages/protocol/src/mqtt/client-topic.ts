import type { Identity } from '@edgewright/core'
import type { Refusal } from '../refusal.js'
import { clientPath, parseClientPath } from './client-path.js'
import { decodePropertyBag, encodePropertyBag, type PropertyBag } from './property-bag.js'
import { formatTopicParameters, parseTopicParameters } from './topic-parameters.js'
import { NO_REQUEST_ID, NOT_TEXT, UNKNOWN_TOPIC, WILDCARD } from './topic-refusal.js'

/** What a client may publish. Source: wire reference, section 2.4, direction D→G. */
export type ClientTopic = TelemetryTopic | TwinGetTopic | ReportTopic | MethodResponseTopic

/** Telemetry of a device or a module; of a module on an output when `system.outputName` is there. */
export interface TelemetryTopic extends PropertyBag {
  readonly kind: 'telemetry'
  readonly identity: Identity
}

/** A request for the whole twin. */
export interface TwinGetTopic {
  readonly kind: 'twin-get'
  readonly requestId: string
}

/** A patch of the reported properties; without a request id nobody waits for the answer. */
export interface ReportTopic {
  readonly kind: 'report'
  readonly requestId?: string | undefined
  readonly version?: number | undefined
}

/** The answer to a method request; the status is undefined when it is not an integer. */
export interface MethodResponseTopic {
  readonly kind: 'method-response'
  readonly requestId: string
  readonly status: number | undefined
}

/** Reads a topic that a client publishes on. The caller compares the identity of telemetry with the connection's. */
export function parseClientTopic(topic: string): ClientTopic | Refusal {
  if (topic.includes('#') || topic.includes('+')) return WILDCARD
  if (topic.includes('\0')) return NOT_TEXT
  return topic.startsWith('$iothub/') ? parseControlTopic(topic) : parseTelemetryTopic(topic)
}

/** Writes a topic that a client publishes on. */
export function formatClientTopic(topic: ClientTopic): string {
  switch (topic.kind) {
    case 'telemetry':
      return `${clientPath(topic.identity)}${EVENTS}${encodePropertyBag(topic, 'to-hub')}`
    case 'twin-get':
      return TWIN_GET + formatTopicParameters(topic)
    case 'report':
      return TWIN_REPORT + formatTopicParameters(topic)
    case 'method-response':
      return `${METHOD_RESPONSE}${topic.status ?? ''}/${formatTopicParameters({ requestId: topic.requestId })}`
  }
}

const EVENTS = '/messages/events/'
const TWIN_GET = '$iothub/twin/GET/'
const TWIN_REPORT = '$iothub/twin/PATCH/properties/reported/'
const METHOD_RESPONSE = '$iothub/methods/res/'

function parseTelemetryTopic(topic: string): TelemetryTopic | Refusal {
  const path = parseClientPath(topic)
  if (path === undefined) return UNKNOWN_TOPIC
  const { identity, rest } = path
  if (`${rest}/` === EVENTS) return { kind: 'telemetry', identity, ...decodePropertyBag('', 'to-hub') }
  if (!rest.startsWith(EVENTS)) return UNKNOWN_TOPIC
  const bag = rest.slice(EVENTS.length, rest.length > EVENTS.length && rest.endsWith('/') ? -1 : undefined)
  if (bag.includes('/')) return UNKNOWN_TOPIC
  return { kind: 'telemetry', identity, ...decodePropertyBag(bag, 'to-hub') }
}

function parseControlTopic(topic: string): ClientTopic | Refusal {
  if (topic.startsWith(TWIN_GET)) {
    const { requestId } = parseTopicParameters(topic.slice(TWIN_GET.length))
    return requestId === undefined ? NO_REQUEST_ID : { kind: 'twin-get', requestId }
  }
  if (topic.startsWith(TWIN_REPORT)) {
    return { kind: 'report', ...parseTopicParameters(topic.slice(TWIN_REPORT.length)) }
  }
  if (topic.startsWith(METHOD_RESPONSE)) return parseMethodResponse(topic.slice(METHOD_RESPONSE.length))
  return UNKNOWN_TOPIC
}

function parseMethodResponse(rest: string): MethodResponseTopic | Refusal {
  const slash = rest.indexOf('/')
  if (slash < 0) return UNKNOWN_TOPIC
  const { requestId } = parseTopicParameters(rest.slice(slash + 1))
  if (requestId === undefined) return NO_REQUEST_ID
  const status = rest.slice(0, slash)
  return { kind: 'method-response', requestId, status: /^-?\d{1,9}$/.test(status) ? Number(status) : undefined }
}
