import type { Duplex } from 'node:stream'
import { sleep } from '@edgewright/core'
import { type ConnectionFacts, type ConnectionShare, MqttConnection } from './connection.js'

/** The MQTT connections of a front-end, over whatever carries them. */
export class MqttConnections {
  readonly #share: ConnectionShare
  readonly #open = new Set<MqttConnection>()

  constructor(share: ConnectionShare) {
    this.#share = share
  }

  /** Speaks MQTT on a stream from now on. */
  accept(stream: Duplex, facts: ConnectionFacts): void {
    const connection = new MqttConnection(stream, facts, this.#share)
    this.#open.add(connection)
    this.#share.metrics.connections.set(this.#open.size)
    stream.once('close', () => {
      this.#open.delete(connection)
      this.#share.metrics.connections.set(this.#open.size)
    })
  }

  /** Lets what was read become durable and acknowledged, for at most the stop time-out; then ends all connections. */
  async stop(): Promise<void> {
    const { clock, limits } = this.#share
    const connections = [...this.#open]
    const patience = new AbortController()
    const finished = Promise.all(connections.map(connection => connection.finish()))
    await Promise.race([finished, sleep(clock, limits.stopTimeout, patience.signal).catch(() => undefined)])
    patience.abort()
    for (const connection of connections) connection.close({ kind: 'hub-stopping' })
  }
}
