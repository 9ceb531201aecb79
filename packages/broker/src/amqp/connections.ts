import type { Duplex } from 'node:stream'
import { ConnectionSet } from '../connection-set.js'
import { AmqpConnection, type ConnectionFacts, type ConnectionShare } from './connection.js'

/** The AMQP connections of a front-end, over whatever carries them. */
export class AmqpConnections {
  readonly #share: ConnectionShare
  readonly #open: ConnectionSet

  constructor(share: ConnectionShare) {
    this.#share = share
    this.#open = new ConnectionSet(share.clock, share.metrics.connections)
  }

  /** Speaks AMQP on a stream from now on. */
  accept(stream: Duplex, facts: ConnectionFacts): void {
    this.#open.add(new AmqpConnection(stream, facts, this.#share), stream)
  }

  /** Lets what was read become durable and answered, then ends all connections. */
  stop(): Promise<void> {
    return this.#open.stop(this.#share.limits.stopTimeout)
  }
}
