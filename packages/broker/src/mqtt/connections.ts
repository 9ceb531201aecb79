import type { Duplex } from 'node:stream'
import { ConnectionSet, type StoppableConnection } from '../connection-set.js'
import { Arrival } from './arrival.js'
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
    this.#open.add(this.#connection(stream, facts), stream)
  }

  #connection(stream: Duplex, facts: ConnectionFacts): StoppableConnection {
    const { clock, limits, topics } = this.#share
    const hub = () => new MqttConnection(stream, facts, this.#share)
    if (topics === undefined) return hub()
    const { maxConnectBytes, connectTimeout } = limits
    const deadline = clock.after(connectTimeout, () => void stream.destroy())
    stream.once('close', () => deadline.cancel())
    const known = <Connection>(connection: Connection) => {
      deadline.cancel()
      return connection
    }
    return new Arrival(stream, maxConnectBytes, {
      hub: () => known(hub()),
      plain: connect => known(topics.accept(stream, { ...facts, connectTimeout }, connect)),
    })
  }

  /** Lets what was read become durable and answered, then ends all connections. */
  stop(): Promise<void> {
    return this.#open.stop(this.#share.limits.stopTimeout)
  }
}
