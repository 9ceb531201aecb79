import type { Duplex } from 'node:stream'
import { describeError, EdgewrightError, type Identity, type IdentityKey, identityKey } from '@edgewright/core'
import type { CloudLink } from '../cloud-link.js'
import { Gate } from '../gate.js'
import { IdentityChannel } from '../identity-channel.js'
import { abortedOr, withPatience } from '../network/deadline.js'
import { Pace } from '../pace.js'
import type { Surroundings } from '../surroundings.js'
import { AmqpSession } from './amqp-session.js'
import { AmqpConnection } from './connection.js'
import type { AmqpContext } from './context.js'
import { TokenNode } from './token-node.js'

/** Opens the stream that a connection runs over. */
export type StreamOpener = (signal: AbortSignal) => Promise<Duplex>

/** The gateway's own token may take so long before the link counts as up without it, in milliseconds. */
const INTRODUCTION_TIMEOUT = 2_000

/** Many identities over one AMQP connection, each with its own session and token. */
export class AmqpLink implements CloudLink {
  readonly lost: Promise<Error>
  readonly #context: AmqpContext
  readonly #openings: Gate
  readonly #channels = new Map<IdentityKey, IdentityChannel>()

  private constructor(context: AmqpContext) {
    this.#context = context
    this.#openings = new Gate(context.tuning.openings)
    this.lost = context.connection.lost
    void this.lost.then(() => this.#closeChannels())
  }

  /**
   * Opens the connection, the node that takes tokens, and the session of the gateway itself, when it has an identity:
   * a hub that takes nobody's word is not reached, and one that has no token soon ends a connection.
   *
   * @throws NetworkFailure, AmqpRefusal, or the signal's reason
   */
  static async open(
    surroundings: Surroundings,
    openStream: StreamOpener,
    self: Identity | undefined,
    signal: AbortSignal,
  ): Promise<AmqpLink> {
    const { clock, hostname, traffic } = surroundings
    const { handshakeTimeout, silenceLimit } = surroundings.tuning
    const stream = await openStream(signal)
    const options = { clock, hostname, handshakeTimeout, silenceLimit, onTraffic: traffic.passed.bind(traffic) }
    const connection = await AmqpConnection.open(stream, options, signal)
    try {
      const link = new AmqpLink({ ...surroundings, connection, tokens: await TokenNode.open(connection, signal) })
      if (self !== undefined) await link.#introduce(self, signal)
      return link
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  channel(identity: Identity): IdentityChannel {
    const key = identityKey(identity)
    const known = this.#channels.get(key)
    if (known?.isClosed === false) return known
    const pace = new Pace(this.#context.tuning.together)
    const open = () => this.#openings.run(() => AmqpSession.open(this.#context, identity, pace))
    const channel: IdentityChannel = new IdentityChannel(identity, open, this.#context, () => {
      if (this.#channels.get(key) === channel) this.#channels.delete(key)
    })
    this.#channels.set(key, channel)
    return channel
  }

  async close(): Promise<void> {
    await this.#closeChannels()
    await this.#context.connection.close()
  }

  async #closeChannels(): Promise<void> {
    await Promise.all([...this.#channels.values()].map(channel => channel.close()))
  }

  /** Only the loss of the connection matters here: what is wrong with the gateway's own identity concerns that one. */
  async #introduce(self: Identity, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#context
    let loss: Error | undefined
    const lost = this.lost.then(reason => {
      loss = reason
    })
    const own = this.channel(self)
    own.keepOpen()
    const opened = own.session().catch(error => {
      if (EdgewrightError.is(error, 'UPSTREAM_OFFLINE')) return lost
      logger.log('warn', 'the gateway itself is not let in', { reason: describeError(error) })
    })
    await withPatience(clock, INTRODUCTION_TIMEOUT, abortedOr([signal], Promise.race([opened, lost])))
    signal.throwIfAborted()
    if (loss !== undefined) throw loss
  }
}
