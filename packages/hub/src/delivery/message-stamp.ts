import { randomBytes } from 'node:crypto'
import type { Identity, Message, SystemProperties } from '@edgewright/core'

/**
 * Marks messages with what the hub knows and a client may not say: the sender, a fresh id and where it comes from.
 * One per session, because most of it never changes.
 */
export class MessageStamp {
  readonly #fixed: SystemProperties
  readonly #ids: MessageIds

  /** @param edgeDeviceId - the device this hub runs on */
  constructor(identity: Identity, edgeDeviceId: string, ids: MessageIds) {
    this.#ids = ids
    this.#fixed = {
      connectionDeviceId: identity.deviceId,
      connectionModuleId: identity.moduleId,
      edgeHubOriginInterface: identity.deviceId === edgeDeviceId ? 'internal' : 'downstream',
    }
  }

  apply(message: Message): Message {
    const system = { ...message.system, ...this.#fixed, edgeMessageId: this.#ids.next() }
    return { body: message.body, properties: message.properties, system }
  }
}

const HALF = 2 ** 24

/** Ids in the form of a random UUID: random per start of the hub, counted within it, so never the same twice. */
export class MessageIds {
  readonly #prefix: string
  #high = 0
  #low = 0
  #middle = hex(0)

  constructor() {
    const seed = randomBytes(10).toString('hex')
    this.#prefix = `${seed.slice(0, 8)}-${seed.slice(8, 12)}-4${seed.slice(12, 15)}-8${seed.slice(15, 18)}-`
  }

  next(): string {
    if (this.#low === HALF) {
      this.#low = 0
      this.#middle = hex(++this.#high)
    }
    return this.#prefix + this.#middle + hex(this.#low++)
  }
}

function hex(value: number): string {
  return (value + HALF).toString(16).slice(1)
}
