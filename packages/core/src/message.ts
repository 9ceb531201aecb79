/** Application properties: names as sent; a value is `null` when the name came without one. */
export type ApplicationProperties = ReadonlyMap<string, string | null>

/** The application properties of a message that has none: shared, so that the common case allocates nothing. */
export const NO_PROPERTIES: ApplicationProperties = new Map()

/**
 * System properties, named for what they mean. The names that routes use for them (`$cid`, `$absolute-expiry-time`, …)
 * are the router's business, the names on the wire the protocol codecs'.
 *
 * Times are ISO 8601 in UTC, as text, because they pass through unread.
 */
export interface SystemProperties {
  readonly messageId?: string | undefined
  readonly correlationId?: string | undefined
  readonly userId?: string | undefined
  readonly to?: string | undefined
  /** Wanted feedback of a cloud-to-device message: `none`, `positive`, `negative`, `full`. */
  readonly ack?: string | undefined
  readonly expiryTime?: string | undefined
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly creationTime?: string | undefined
  readonly messageSchema?: string | undefined
  readonly operation?: string | undefined
  /** The output a module sent on. */
  readonly outputName?: string | undefined
  readonly interfaceId?: string | undefined
  /** Component of a plug-and-play device, `dt-subject`. */
  readonly component?: string | undefined
  readonly modelId?: string | undefined
  readonly diagnosticId?: string | undefined
  readonly diagnosticContext?: string | undefined
  /** Who sent it. Stamped by the hub from the authenticated session; never taken from a client. */
  readonly connectionDeviceId?: string | undefined
  readonly connectionModuleId?: string | undefined
  /** Unique per message and hub; stamped by the hub. */
  readonly edgeMessageId?: string | undefined
  /** `internal` when the sender belongs to this device, else `downstream`; stamped by the hub. */
  readonly edgeHubOriginInterface?: 'internal' | 'downstream' | undefined
  readonly enqueuedTime?: string | undefined
  readonly deliveryCount?: number | undefined
  readonly sequenceNumber?: number | undefined
  readonly lockToken?: string | undefined
  readonly messageType?: string | undefined
  /** Sender of a reported-properties change. */
  readonly reportedByDeviceId?: string | undefined
  readonly reportedByModuleId?: string | undefined
}

/** One message: an opaque body with properties. Immutable once made. */
export interface Message {
  readonly body: Uint8Array
  readonly properties: ApplicationProperties
  readonly system: SystemProperties
}

/** Where a message enters the route table. */
export type MessageSource =
  /** Telemetry of a device (no module) or a module, on an output or without one. */
  | { readonly kind: 'telemetry'; readonly moduleId?: string | undefined; readonly output?: string | undefined }
  /** A reported-properties change of any client. */
  | { readonly kind: 'twinChange' }

/** Priority of a message whose route gives none: after all others. */
export const DEFAULT_PRIORITY = 2_000_000_000

/** The most a message may weigh: 256 KiB of body and properties. Source: Azure IoT Hub quotas, message size. */
export const MAX_MESSAGE_BYTES = 262_144

/**
 * What a message weighs against {@link MAX_MESSAGE_BYTES}: body, values of system properties, names and values of
 * application properties, in bytes of UTF-8. Source: IoT Hub developer guide, "Message size".
 */
export function messageSize(message: Message): number {
  let size = message.body.byteLength
  for (const [name, value] of message.properties) size += byteLength(name) + (value === null ? 0 : byteLength(value))
  for (const name in message.system) {
    const value = message.system[name as keyof SystemProperties]
    if (typeof value === 'string') size += byteLength(value)
  }
  return size
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** A message from its parts; what is left out is empty. */
export function createMessage(parts: {
  readonly body?: Uint8Array | string
  readonly properties?: ApplicationProperties | Readonly<Record<string, string | null>>
  readonly system?: SystemProperties
}): Message {
  const { body = '', properties = NO_PROPERTIES, system = {} } = parts
  return {
    body: typeof body === 'string' ? Buffer.from(body, 'utf8') : body,
    properties: properties instanceof Map ? properties : new Map(Object.entries(properties)),
    system,
  }
}
