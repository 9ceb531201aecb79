import type { Duplex } from 'node:stream'
import { type Identity, type IdentityKey, identityKey, sameIdentity } from '@edgewright/core'
import type { CloudLink, IdentitySession } from '../cloud-link.js'
import { Gate } from '../gate.js'
import { IdentityChannel } from '../identity-channel.js'
import { aborted } from '../network/deadline.js'
import { NetworkFailure } from '../network/failure.js'
import { Pace } from '../pace.js'
import type { Surroundings } from '../surroundings.js'
import type { MqttContext } from './context.js'
import { MqttSession, TokenRenewal } from './mqtt-session.js'

/** Signs of life cost traffic: one connection that has them often speaks for all, the rest may be silent for so long (milliseconds). */
const OTHERS_SILENCE_LIMIT = 240_000
/** Messages of one identity without an acknowledgement at once, whatever the tuning allows. */
const MAX_WINDOW = 200

/**
 * Many identities, each over an MQTT connection of its own, as MQTT wants it. The connection of the gateway itself, which
 * is always open, tells whether the hub can be reached.
 */
export class MqttLink implements CloudLink {
  readonly lost: Promise<Error>
  readonly #context: MqttContext
  readonly #openings: Gate
  readonly #channels = new Map<IdentityKey, IdentityChannel>()
  readonly #closing: AbortController
  readonly #self: Identity
  #onLost: (error: Error) => void = () => undefined

  private constructor(context: MqttContext, closing: AbortController, self: Identity) {
    this.#self = self
    this.#context = context
    this.#closing = closing
    this.#openings = new Gate(context.tuning.openings)
    this.lost = new Promise(resolve => {
      this.#onLost = resolve
    })
  }

  /**
   * Opens the connection of the gateway itself.
   *
   * @throws NetworkFailure, as `CloudSession`, or the signal's reason
   */
  static async open(
    surroundings: Surroundings,
    openStream: (signal: AbortSignal) => Promise<Duplex>,
    self: Identity,
    signal: AbortSignal,
  ): Promise<MqttLink> {
    signal.throwIfAborted()
    const closing = new AbortController()
    const link = new MqttLink({ ...surroundings, openStream, closing: closing.signal }, closing, self)
    const onAbort = () => closing.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const own = link.channel(self)
      own.keepOpen()
      void link.#watch(own, await own.session())
      return link
    } catch (error) {
      await link.#fail(networkCause(error))
      throw networkCause(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  channel(identity: Identity): IdentityChannel {
    const key = identityKey(identity)
    const known = this.#channels.get(key)
    if (known?.isClosed === false) return known
    const { tuning } = this.#context
    const silenceLimit = sameIdentity(identity, this.#self) ? tuning.silenceLimit : OTHERS_SILENCE_LIMIT
    const pace = new Pace(Math.min(tuning.window, MAX_WINDOW))
    const open = async () => {
      // The hub lets an identity have one connection, and would cut the one for the other.
      await known?.close()
      return this.#openings.run(() => MqttSession.open(this.#context, identity, { pace, silenceLimit }))
    }
    const channel: IdentityChannel = new IdentityChannel(identity, open, this.#context, () => {
      if (this.#channels.get(key) === channel) this.#channels.delete(key)
    })
    this.#channels.set(key, channel)
    return channel
  }

  async close(): Promise<void> {
    await this.#closeChannels()
    await this.#fail(new Error('closed'))
  }

  /** The link lasts as long as the gateway's own sessions follow one another without a gap. */
  async #watch(own: IdentityChannel, first: IdentitySession): Promise<void> {
    try {
      for (let session = first; ; session = await own.session()) {
        await aborted(session.ended)
        if (!(session.ended.reason instanceof TokenRenewal)) throw session.ended.reason
      }
    } catch (error) {
      await this.#fail(networkCause(error))
    }
  }

  /** What was under way elsewhere is given up: without the gateway's own connection there is no telling. */
  async #fail(error: Error): Promise<void> {
    this.#onLost(error)
    this.#closing.abort(error)
    await this.#closeChannels()
  }

  async #closeChannels(): Promise<void> {
    await Promise.all([...this.#channels.values()].map(channel => channel.close()))
  }
}

/** What the network says, where it is the cause. */
function networkCause(error: unknown): Error {
  const { cause } = error as { readonly cause?: unknown }
  if (cause instanceof NetworkFailure) return cause
  return error instanceof Error ? error : new Error(String(error))
}
