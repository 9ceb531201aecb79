import type { Settlement } from '@edgewright/core'
import type { MqttConnection } from './connection.js'

/**
 * Acknowledges commands in the order in which they came, as MQTT demands: each when it and all before it are settled.
 * What was abandoned is never acknowledged, so that the hub gives it again. Source: MQTT 3.1.1, [MQTT-4.6.0-2].
 */
export class CommandQueue {
  readonly #connection: MqttConnection
  readonly #waiting: { readonly messageId: number; settlement?: Settlement }[] = []

  constructor(connection: MqttConnection) {
    this.#connection = connection
  }

  /** A command came; returns what settles it. Only the first settlement counts. */
  add(messageId: number): (settlement: Settlement) => void {
    const entry: { readonly messageId: number; settlement?: Settlement } = { messageId }
    this.#waiting.push(entry)
    return settlement => {
      entry.settlement ??= settlement
      while (this.#waiting[0]?.settlement !== undefined) {
        const { messageId, settlement } = this.#waiting.shift()!
        // MQTT has no way to reject: a rejected command must not come again, so it counts as done.
        if (settlement !== 'abandoned') this.#connection.acknowledge(messageId)
      }
    }
  }
}
