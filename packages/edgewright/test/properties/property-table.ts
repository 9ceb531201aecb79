import type { SystemProperties } from '@edgewright/core'

/** Where AMQP has a property: in the section of that name, or among its annotations or application properties. */
export type AmqpPlace =
  | { readonly section: 'properties'; readonly name: 'message_id' | 'correlation_id' | 'user_id' | 'to' }
  | { readonly section: 'properties'; readonly name: 'content_type' | 'content_encoding' | 'absolute_expiry_time' }
  | { readonly section: 'message_annotations' | 'application_properties'; readonly name: string }

/** One row of the tables of the wire reference, sections 2.5, 3.5 and 3.6. */
export interface PropertyRow {
  readonly property: keyof SystemProperties
  readonly mqtt: string
  readonly amqp: AmqpPlace
  /** `in`: said by clients only. `stamp`: told to clients, and not believed when they say it. @default both ways */
  readonly direction?: 'in' | 'stamp'
  /** @default text with everything in it that has to be encoded */
  readonly value?: string
}

/** Text with everything in it that a topic cannot carry as it is. */
export const AWKWARD = 'a b/c&d=50% #+?é✓'

const property = (name: Extract<AmqpPlace, { section: 'properties' }>['name']) =>
  ({ section: 'properties', name }) as AmqpPlace
const annotation = (name: string) => ({ section: 'message_annotations', name }) as const
const application = (name: string) => ({ section: 'application_properties', name }) as const

/** Every row. */
export const PROPERTY_ROWS: readonly PropertyRow[] = [
  { property: 'messageId', mqtt: '$.mid', amqp: property('message_id') },
  { property: 'correlationId', mqtt: '$.cid', amqp: property('correlation_id') },
  { property: 'userId', mqtt: '$.uid', amqp: property('user_id') },
  { property: 'to', mqtt: '$.to', amqp: property('to') },
  { property: 'expiryTime', mqtt: '$.exp', amqp: property('absolute_expiry_time'), value: '2031-02-03T04:05:06.789Z' },
  { property: 'contentType', mqtt: '$.ct', amqp: property('content_type'), value: 'application/json;x="1"' },
  { property: 'contentEncoding', mqtt: '$.ce', amqp: property('content_encoding'), value: 'utf-8' },
  { property: 'creationTime', mqtt: '$.ctime', amqp: application('iothub-creation-time-utc') },
  { property: 'messageSchema', mqtt: '$.schema', amqp: application('iothub-message-schema') },
  { property: 'outputName', mqtt: '$.on', amqp: application('iothub-outputname'), direction: 'in', value: 'some out' },
  { property: 'interfaceId', mqtt: '$.ifid', amqp: annotation('iothub-interface-id'), direction: 'in' },
  { property: 'component', mqtt: '$.sub', amqp: annotation('dt-subject') },
  {
    property: 'connectionDeviceId',
    mqtt: '$.cdid',
    amqp: annotation('iothub-connection-device-id'),
    direction: 'stamp',
  },
  {
    property: 'connectionModuleId',
    mqtt: '$.cmid',
    amqp: annotation('iothub-connection-module-id'),
    direction: 'stamp',
  },
  { property: 'diagnosticId', mqtt: '$.diagid', amqp: annotation('Diagnostic-Id'), direction: 'in' },
  { property: 'diagnosticContext', mqtt: '$.diagctx', amqp: annotation('Correlation-Context'), direction: 'in' },
  { property: 'operation', mqtt: 'iothub-operation', amqp: application('iothub-operation') },
  { property: 'ack', mqtt: 'iothub-ack', amqp: application('iothub-ack'), value: 'full' },
]
