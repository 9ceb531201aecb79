import type { Duplex } from 'node:stream'
import { ConnectionSet } from '../connection-set.js'
import { MqttConnection, type ConnectionFacts, type ConnectionShare } from './connection.js'

/** The MQTT connections of a front-end, over whatever carries them. */
export class MqttConnections {
  readonly #share: ConnectionShare
  readonly #open: ConnectionSet

  constructor(share: ConnectionShare) {
    this.#share = share
    this.#open = new ConnectionSet(share.clock, share.metrics.connections)
  }

  /** Speaks MQTT on a stream from now on. */
  accept(stream: Duplex, facts: ConnectionFacts): void {
    this.#open.add(new MqttConnection(stream, facts, this.#share), stream)
  }

  /** Lets what was read become durable and answered, then ends all connections. */
  stop(): Promise<void> {
    return this.#open.stop(this.#share.limits.stopTimeout)
  }
}
