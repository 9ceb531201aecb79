import type { Duplex } from 'node:stream'
import type { Identity } from '@edgewright/core'
import type { CloudLink, IdentityChannel } from '../cloud-link.js'
import { AmqpConnection, type AmqpConnectionOptions } from './connection.js'
import type { AmqpContext } from './context.js'
import { AmqpIdentityChannel } from './identity-channel.js'
import { TokenNode } from './token-node.js'

/** What an {@link AmqpLink} works with, beside what it makes itself. */
export interface AmqpLinkOptions extends Omit<AmqpContext, 'connection' | 'tokens'> {
  readonly openStream: (signal: AbortSignal) => Promise<Duplex>
  readonly onTraffic?: AmqpConnectionOptions['onTraffic']
}

/** Many identities over one AMQP connection, each with its own session and token. */
export class AmqpLink implements CloudLink {
  readonly lost: Promise<Error>
  readonly #context: AmqpContext
  readonly #channels = new Set<IdentityChannel>()

  private constructor(context: AmqpContext) {
    this.#context = context
    this.lost = context.connection.lost
  }

  /**
   * Opens the connection, and the node that takes tokens.
   *
   * @throws NetworkFailure, AmqpRefusal, or the signal's reason
   */
  static async open(options: AmqpLinkOptions, signal: AbortSignal): Promise<AmqpLink> {
    const { clock, hostname, tuning, onTraffic } = options
    const stream = await options.openStream(signal)
    const { handshakeTimeout, silenceLimit } = tuning
    const connection = await AmqpConnection.open(
      stream,
      { clock, hostname, handshakeTimeout, silenceLimit, onTraffic },
      signal,
    )
    try {
      return new AmqpLink({ ...options, connection, tokens: await TokenNode.open(connection, signal) })
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  channel(identity: Identity): IdentityChannel {
    const channel = new AmqpIdentityChannel(this.#context, identity)
    this.#channels.add(channel)
    return channel
  }

  async close(): Promise<void> {
    await Promise.all([...this.#channels].map(channel => channel.close()))
    await this.#context.connection.close()
  }
}
