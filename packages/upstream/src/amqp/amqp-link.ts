import type { Duplex } from 'node:stream'
import type { Identity } from '@edgewright/core'
import type { CloudLink } from '../cloud-link.js'
import { Gate } from '../gate.js'
import { IdentityChannel } from '../identity-channel.js'
import { Pace } from '../pace.js'
import type { Surroundings } from '../surroundings.js'
import { AmqpSession } from './amqp-session.js'
import { AmqpConnection } from './connection.js'
import type { AmqpContext } from './context.js'
import { TokenNode } from './token-node.js'

/** Opens the stream that a connection runs over. */
export type StreamOpener = (signal: AbortSignal) => Promise<Duplex>

/** Many identities over one AMQP connection, each with its own session and token. */
export class AmqpLink implements CloudLink {
  readonly lost: Promise<Error>
  readonly #context: AmqpContext
  readonly #openings: Gate
  readonly #channels = new Set<IdentityChannel>()

  private constructor(context: AmqpContext) {
    this.#context = context
    this.#openings = new Gate(context.tuning.openings)
    this.lost = context.connection.lost
    void this.lost.then(() => this.#closeChannels())
  }

  /**
   * Opens the connection, and the node that takes tokens.
   *
   * @throws NetworkFailure, AmqpRefusal, or the signal's reason
   */
  static async open(surroundings: Surroundings, openStream: StreamOpener, signal: AbortSignal): Promise<AmqpLink> {
    const { clock, hostname, traffic } = surroundings
    const { handshakeTimeout, silenceLimit } = surroundings.tuning
    const stream = await openStream(signal)
    const options = { clock, hostname, handshakeTimeout, silenceLimit, onTraffic: traffic.passed.bind(traffic) }
    const connection = await AmqpConnection.open(stream, options, signal)
    try {
      return new AmqpLink({ ...surroundings, connection, tokens: await TokenNode.open(connection, signal) })
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  channel(identity: Identity): IdentityChannel {
    const pace = new Pace(this.#context.tuning.together)
    const open = () => this.#openings.run(() => AmqpSession.open(this.#context, identity, pace))
    const channel: IdentityChannel = new IdentityChannel(identity, open, this.#context, () =>
      this.#channels.delete(channel),
    )
    this.#channels.add(channel)
    return channel
  }

  async close(): Promise<void> {
    await this.#closeChannels()
    await this.#context.connection.close()
  }

  async #closeChannels(): Promise<void> {
    await Promise.all([...this.#channels].map(channel => channel.close()))
  }
}
