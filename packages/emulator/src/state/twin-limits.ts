import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { HubError } from './hub-error.js'

/** What a twin may hold. Source: IoT Hub developer guide, device twins, "Device twin size" and "Tags and properties format". */
export const TWIN_LIMITS = Object.freeze({
  /** Bytes of desired, and of reported properties. */
  propertiesBytes: 32_768,
  tagsBytes: 8_192,
  depth: 10,
  nameBytes: 1_024,
  stringBytes: 4_096,
  /** Whole numbers reach from minus this to this, less one. */
  integer: 2 ** 52,
})

/** Sees that a document keeps to the limits. @throws `HUB_ARGUMENT_INVALID` */
export function assertTwinDocument(document: JsonObject, what: string, maxBytes: number): void {
  assertTwinValue(document, what, 0)
  if (Buffer.byteLength(JSON.stringify(document), 'utf8') > maxBytes) {
    throw new HubError('ArgumentInvalid', `${what} must not be larger than ${maxBytes} bytes`)
  }
}

function assertTwinValue(value: JsonValue, path: string, depth: number): void {
  if (depth > TWIN_LIMITS.depth)
    throw new HubError('ArgumentInvalid', `${path} is nested deeper than ${TWIN_LIMITS.depth}`)
  if (typeof value === 'string') {
    if (Buffer.byteLength(value, 'utf8') > TWIN_LIMITS.stringBytes) {
      throw new HubError('ArgumentInvalid', `${path} is longer than ${TWIN_LIMITS.stringBytes} bytes`)
    }
  } else if (typeof value === 'number') {
    if (Number.isInteger(value) && (value < -TWIN_LIMITS.integer || value >= TWIN_LIMITS.integer)) {
      throw new HubError('ArgumentInvalid', `${path} is not within 52 bits`)
    }
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      assertName(name, path)
      assertTwinValue(member, `${path}.${name}`, depth + 1)
    }
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) assertTwinValue(item, `${path}[${index}]`, depth + 1)
  }
}

function assertName(name: string, path: string): void {
  if (name === '' || /[\p{Cc}.$ ]/u.test(name) || Buffer.byteLength(name, 'utf8') > TWIN_LIMITS.nameBytes) {
    throw new HubError(
      'ArgumentInvalid',
      `${path} has a name that is empty, too long or contains a control character, ".", "$" or a space`,
    )
  }
}
