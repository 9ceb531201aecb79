import type { Identity } from '@edgewright/core'
import type { Commands } from '../../state/commands.js'
import type { CommandDelivery } from '../../state/stored-command.js'

/** Deliveries that wait for their PUBACK at once. Source: edgeHub's limit per client. */
const WINDOW = 10
const LAST_ID = 65_535

/** Cloud-to-device messages under way to one MQTT client: acknowledged means completed. */
export class CommandWindow {
  readonly #identity: Identity
  readonly #commands: Commands
  readonly #publish: (delivery: CommandDelivery, qos: 0 | 1, messageId: number) => void
  readonly #waiting = new Map<number, string>()
  #nextId = 1

  constructor(
    identity: Identity,
    commands: Commands,
    publish: (delivery: CommandDelivery, qos: 0 | 1, messageId: number) => void,
  ) {
    this.#identity = identity
    this.#commands = commands
    this.#publish = publish
  }

  /** Sends what waits, as far as the window allows. */
  fill(qos: 0 | 1): void {
    while (this.#waiting.size < WINDOW) {
      const delivery = this.#commands.receive(this.#identity)
      if (delivery === undefined) return
      const messageId = this.#takeId()
      if (qos === 1) this.#waiting.set(messageId, delivery.lockToken)
      this.#publish(delivery, qos, messageId)
      if (qos === 0) this.#commands.complete(this.#identity, delivery.lockToken)
    }
  }

  /** The client has acknowledged one. */
  acknowledged(messageId: number): void {
    const lockToken = this.#waiting.get(messageId)
    if (lockToken === undefined) return
    this.#waiting.delete(messageId)
    this.#commands.complete(this.#identity, lockToken)
  }

  #takeId(): number {
    while (this.#waiting.has(this.#nextId)) this.#advance()
    const id = this.#nextId
    this.#advance()
    return id
  }

  #advance(): void {
    this.#nextId = this.#nextId === LAST_ID ? 1 : this.#nextId + 1
  }
}
