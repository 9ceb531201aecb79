import type { Identity, Message, SystemProperties } from '@edgewright/core'
import { encodeProperties } from './message-codec.js'
import { formatMessageId, type MessageId } from './message-id.js'

/** What the hub knows of a sender, and adds to every message of theirs. One per session. */
export class SenderStamp {
  readonly #known: SystemProperties
  #last: StampedProperties | undefined

  /** @param edgeDeviceId - the device this hub runs on */
  constructor(identity: Identity, edgeDeviceId: string) {
    this.#known = {
      connectionDeviceId: identity.deviceId,
      connectionModuleId: identity.moduleId,
      edgeHubOriginInterface: identity.deviceId === edgeDeviceId ? 'internal' : 'downstream',
    }
  }

  /**
   * A message's properties with what the hub adds. A client that repeats a topic sends the very same property objects
   * again, and nothing is merged or encoded again for those.
   */
  properties(message: Message): StampedProperties {
    if (this.#last?.isOf(message) !== true) this.#last = new StampedProperties(message, this.#known)
    return this.#last
  }
}

/** Properties that a sender gave, with the hub's: in bytes for the store, as an object for routes; either when asked for. */
export class StampedProperties {
  readonly #sent: Message
  readonly #known: SystemProperties
  #encoded: Buffer | undefined
  #system: StampedSystemProperties | undefined

  constructor(sent: Message, known: SystemProperties) {
    const { properties, system } = sent
    this.#sent = { body: NO_BODY, properties, system }
    this.#known = known
  }

  /** Whether these are the properties of this message too. */
  isOf({ properties, system }: Message): boolean {
    return this.#sent.system === system && this.#sent.properties === properties
  }

  /** What stands before the body in the store. */
  get encoded(): Buffer {
    return (this.#encoded ??= encodeProperties(this.#sent, this.#known))
  }

  /** As routes see them in the message of this id, until the next id is given. */
  systemOf(id: MessageId): SystemProperties {
    this.#system ??= new StampedSystemProperties(this.#sent.system, this.#known)
    this.#system.turnTo(id)
    return this.#system as SystemProperties
  }
}

/** One message after another as routes see them: what a client says of the hub's own properties does not count. */
export class StampedMessage implements Message {
  body: Uint8Array = NO_BODY
  properties!: Message['properties']
  #stamped!: StampedProperties
  #id!: MessageId

  get system(): SystemProperties {
    return this.#stamped.systemOf(this.#id)
  }

  /** Shows this message, and no longer the one before. */
  turnTo({ body, properties }: Message, stamped: StampedProperties, id: MessageId): this {
    this.body = body
    this.properties = properties
    this.#stamped = stamped
    this.#id = id
    return this
  }
}

const NO_BODY = new Uint8Array(0)

/** The id becomes text only when somebody asks for it, which hardly any route does. */
class StampedSystemProperties {
  #id: MessageId | undefined

  constructor(sent: SystemProperties, known: SystemProperties) {
    const { edgeMessageId: _, ...rest } = sent
    Object.assign(this, rest, known)
  }

  turnTo(id: MessageId): void {
    this.#id = id
  }

  get edgeMessageId(): string | undefined {
    return this.#id && formatMessageId(this.#id)
  }
}
