import type { SystemProperties } from '@edgewright/core'
import type { Semantics } from '../semantics.js'

/** A system property as routes know it. */
export interface SystemProperty {
  /** As routes spell it, without the dollar; looked up in any letter case. */
  readonly name: string
  /** Where the value stands; absent when no message ever has one. */
  readonly field?: keyof SystemProperties
  /** Only messages about changed twins have it. */
  readonly twinChangeOnly?: true
  /** Known to one semantics only. */
  readonly only?: Semantics
}

/** The system properties that a route can ask for. Source: hub reference, 1.7. */
export const SYSTEM_PROPERTIES = [
  { name: 'messageId', field: 'messageId' },
  { name: 'to', field: 'to' },
  { name: 'userId', field: 'userId' },
  { name: 'ack', field: 'ack' },
  { name: 'contentType', field: 'contentType' },
  { name: 'contentEncoding', field: 'contentEncoding' },
  { name: 'cid', field: 'correlationId' },
  { name: 'correlationId', field: 'correlationId', only: 'edgewright' },
  { name: 'absolute-expiry-time', field: 'expiryTime' },
  { name: 'messageSchema', field: 'messageSchema' },
  { name: 'creationTime', field: 'creationTime' },
  { name: 'operation', field: 'operation' },
  { name: 'outputName', field: 'outputName' },
  { name: 'iothub-interface-id', field: 'interfaceId' },
  { name: 'dt-subject', field: 'component' },
  { name: 'modelId', field: 'modelId' },
  { name: 'connectionDeviceId', field: 'connectionDeviceId' },
  { name: 'connectionModuleId', field: 'connectionModuleId' },
  { name: 'edgeMessageId', field: 'edgeMessageId' },
  { name: 'edgeHubOriginInterface', field: 'edgeHubOriginInterface' },
  { name: 'enqueuedTime', field: 'enqueuedTime' },
  { name: 'deliveryCount', field: 'deliveryCount' },
  { name: 'sequenceNumber', field: 'sequenceNumber' },
  { name: 'lockToken', field: 'lockToken' },
  { name: 'messageType', field: 'messageType', twinChangeOnly: true },
  { name: 'rpSenderDeviceId', field: 'reportedByDeviceId', twinChangeOnly: true },
  { name: 'rpSenderModuleId', field: 'reportedByModuleId', twinChangeOnly: true },
  { name: 'connectionDeviceGenerationId' },
  { name: 'connectionAuthMethod' },
] as const satisfies readonly SystemProperty[]

/** The name of a system property, as routes spell it. */
export type SystemPropertyName = (typeof SYSTEM_PROPERTIES)[number]['name']

const BY_NAME: ReadonlyMap<string, SystemProperty> = new Map(
  SYSTEM_PROPERTIES.map(property => [property.name.toLowerCase(), property]),
)

/** The system property of this name, in any letter case. */
export function systemProperty(name: string, semantics: Semantics): SystemProperty | undefined {
  const property = BY_NAME.get(name.toLowerCase())
  return property?.only === undefined || property.only === semantics ? property : undefined
}
