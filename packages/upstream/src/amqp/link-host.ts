import { randomUUID } from 'node:crypto'
import type { EdgewrightError, Identity } from '@edgewright/core'
import { AMQP_CONDITION, type AmqpLinkKind, formatLinkAddress, formatSasAudience } from '@edgewright/protocol'
import type { LinkOptions, Receiver, Sender, Session } from 'rhea'
import { offline } from '../errors.js'
import { withDeadline } from '../network/deadline.js'
import type { IdentityTraffic } from '../traffic.js'
import type { AmqpContext } from './context.js'
import { LiveToken } from './live-token.js'
import { AmqpRefusal, opened } from './opened.js'
import { upstreamError } from './upstream-error.js'

/** Told once when the peer closes a link that was attached. */
export type OnLinkClosed = (error: EdgewrightError) => void

const LINK_PROPERTIES = Object.freeze({
  'com.microsoft:api-version': '2021-04-12',
  'com.microsoft:client-version': 'edgewright',
})

/** One identity on one connection: its live token and its AMQP session, on which links are attached. */
export class LinkHost {
  readonly identity: Identity
  readonly context: AmqpContext
  readonly traffic: IdentityTraffic
  /** Aborted, with the reason, when the token or the session is no more. */
  readonly ended: AbortSignal
  readonly #session: Session
  readonly #token: LiveToken
  readonly #ending = new AbortController()

  private constructor(context: AmqpContext, identity: Identity, token: LiveToken) {
    this.identity = identity
    this.context = context
    this.traffic = context.traffic.of(identity)
    this.ended = this.#ending.signal
    this.#token = token
    this.#session = context.connection.beginSession()
    this.#session.once('session_close', () => this.end(AmqpRefusal.from(this.#session.error)))
    void token.lapsed.then(error => this.end(error))
    void context.connection.lost.then(failure => this.end(failure))
  }

  /**
   * Puts a token and begins a session.
   *
   * @throws as `CloudSession`
   */
  static async open(context: AmqpContext, identity: Identity): Promise<LinkHost> {
    try {
      return new LinkHost(context, identity, await presentToken(context, identity))
    } catch (error) {
      throw upstreamError(identity, error)
    }
  }

  /** @throws as `CloudSession` */
  async attachSender(kind: AmqpLinkKind, options: LinkOptions, onClosed: OnLinkClosed): Promise<Sender> {
    const target = formatLinkAddress(kind, this.identity)
    const manual = { treat_modified_as_released: false }
    const link = this.#session.attach_sender({ target, ...manual, ...this.#linkOptions(kind, options) })
    return this.#attached(link, target, onClosed)
  }

  /** Grants no credit of its own accord. @throws as `CloudSession` */
  async attachReceiver(kind: AmqpLinkKind, options: LinkOptions, onClosed: OnLinkClosed): Promise<Receiver> {
    const source = formatLinkAddress(kind, this.identity)
    const manual = { credit_window: 0, autoaccept: false }
    const link = this.#session.attach_receiver({ source, ...manual, ...this.#linkOptions(kind, options) })
    return this.#attached(link, source, onClosed)
  }

  /** Waits for the peer, not for ever. A peer that does not answer here is not trusted elsewhere in the session either. */
  timed<T>(what: string, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, tuning } = this.context
    const expired = () => {
      const error = offline(what)
      this.end(error)
      return error
    }
    return withDeadline({ clock, delay: tuning.operationTimeout, expired, signals: [this.ended, signal] }, run)
  }

  /** Ends the session, for everything in it. */
  end(error: unknown): void {
    if (this.ended.aborted) return
    this.#token.end()
    this.#session.close()
    this.#ending.abort(upstreamError(this.identity, error))
  }

  /** rhea names links per session without regard to their direction, so the name must be unique. */
  #linkOptions(kind: AmqpLinkKind, options: LinkOptions): LinkOptions {
    const { chain } = this.context.speakerOf(this.identity)
    const onBehalf = chain === undefined ? {} : { 'com.microsoft:auth-chain': chain }
    const properties = { ...LINK_PROPERTIES, ...onBehalf, ...options.properties }
    return { name: `${kind}-${randomUUID()}`, ...options, properties }
  }

  async #attached<L extends Sender | Receiver>(link: L, address: string, onClosed: OnLinkClosed): Promise<L> {
    let attached = false
    let refusal: EdgewrightError | undefined
    link.once(link.is_receiver() ? 'receiver_close' : 'sender_close', () => {
      refusal = this.#judged(AmqpRefusal.from(link.error))
      if (attached) onClosed(refusal)
    })
    await this.timed(`no answer to the attach of ${address}`, undefined, signal => opened(link, signal)).catch(
      error => {
        throw this.#judged(error)
      },
    )
    // Some peers attach first and refuse then.
    if (refusal !== undefined) throw refusal
    attached = true
    return link
  }

  /** Credentials that no longer count end the session; anything else only what it was about. */
  #judged(error: unknown): EdgewrightError {
    if (error instanceof AmqpRefusal && error.condition === AMQP_CONDITION.unauthorized) this.end(error)
    return upstreamError(this.identity, error)
  }
}

/** Closes a link in good order; its `onClosed` is not called for that. */
export function detach(link: Sender | Receiver): void {
  link.removeAllListeners(link.is_receiver() ? 'receiver_close' : 'sender_close')
  link.close()
}

function presentToken(context: AmqpContext, identity: Identity): Promise<LiveToken> {
  const { clock, logger, random, tuning, hostname, tokens, traffic } = context
  const { identity: speaker } = context.speakerOf(identity)
  const audience = formatSasAudience(hostname, speaker)
  const expired = () => offline('no answer to a token')
  return LiveToken.present({
    identity,
    clock,
    logger,
    random,
    lifetime: tuning.tokenLifetime,
    renewAfter: tuning.renewAfter,
    retryEvery: tuning.operationTimeout,
    sign: expiresAt => context.token(speaker, audience, expiresAt),
    put: token => {
      traffic.of(identity).count('token', 'out', token.length)
      return withDeadline({ clock, delay: tuning.operationTimeout, expired }, signal =>
        tokens.put(audience, token, signal),
      )
    },
  })
}
