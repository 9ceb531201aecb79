import type { Duplex } from 'node:stream'
import { sleep } from '@edgewright/core'
import { AmqpConnection, type ConnectionFacts, type ConnectionShare } from './connection.js'

/** The AMQP connections of a front-end, over whatever carries them. */
export class AmqpConnections {
  readonly #share: ConnectionShare
  readonly #open = new Set<AmqpConnection>()

  constructor(share: ConnectionShare) {
    this.#share = share
  }

  /** Speaks AMQP on a stream from now on. */
  accept(stream: Duplex, facts: ConnectionFacts): void {
    const connection = new AmqpConnection(stream, facts, this.#share)
    this.#open.add(connection)
    this.#share.metrics.connections.set(this.#open.size)
    stream.once('close', () => {
      this.#open.delete(connection)
      this.#share.metrics.connections.set(this.#open.size)
    })
  }

  /** Lets what was read become durable and settled, for at most the stop time-out; then ends all connections. */
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
