import { randomBytes } from 'node:crypto'
import type { Identity, Message, SystemProperties } from '@edgewright/core'
import { encodeSystemProperties, STAMPED } from './message-codec.js'

/** What the hub knows of a sender, and adds to every message of theirs. One per session. */
export class SenderStamp {
  /** The same as system properties. */
  readonly system: SystemProperties
  /** The same, encoded once for all messages. */
  readonly encoded: Buffer

  /** @param edgeDeviceId - the device this hub runs on */
  constructor(identity: Identity, edgeDeviceId: string) {
    this.system = {
      connectionDeviceId: identity.deviceId,
      ...(identity.moduleId === undefined ? {} : { connectionModuleId: identity.moduleId }),
      edgeHubOriginInterface: identity.deviceId === edgeDeviceId ? 'internal' : 'downstream',
    }
    this.encoded = encodeSystemProperties(this.system)
  }

  /** The message as routes see it: what a client says of these properties does not count. */
  apply({ body, properties, system }: Message, id: MessageId): Message {
    return { body, properties, system: new StampedProperties(system, this.system, id) as SystemProperties }
  }
}

/** A message's own id, before it is text. */
export interface MessageId {
  readonly series: MessageSeries
  readonly number: number
}

/** Random per start of the hub; with a number it is the id of a message, in the form of a random UUID. */
export interface MessageSeries {
  /** The first ten bytes of the sixteen. */
  readonly bytes: Buffer
  /** The same as text, up to the last group. */
  readonly text: string
}

/** Ids that are never the same twice, also not after a restart. */
export class MessageIds {
  readonly series = newSeries()
  #number = 0

  next(): MessageId {
    return { series: this.series, number: this.#number++ }
  }
}

/** The text of an id. */
export function formatMessageId({ series, number }: MessageId): string {
  return series.text + number.toString(16).padStart(12, '0')
}

function newSeries(): MessageSeries {
  const bytes = randomBytes(10)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return { bytes, text: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16)}-` }
}

/** The id becomes text only when somebody asks for it, which hardly any route does. */
class StampedProperties {
  readonly #id: MessageId

  constructor(sent: SystemProperties, known: SystemProperties, id: MessageId) {
    Object.assign(this, known)
    for (const name in sent) {
      if (!STAMPED.has(name)) Object.assign(this, { [name]: sent[name as keyof SystemProperties] })
    }
    this.#id = id
  }

  get edgeMessageId(): string {
    return formatMessageId(this.#id)
  }
}
