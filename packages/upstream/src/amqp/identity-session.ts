import { randomUUID } from 'node:crypto'
import type {
  CloudDelivery,
  CloudHandlers,
  DeliveryOutcome,
  EdgewrightError,
  Identity,
  Logger,
  Message,
} from '@edgewright/core'
import { AMQP_CONDITION, type AmqpLinkKind, formatLinkAddress, formatSasAudience } from '@edgewright/protocol'
import type { LinkOptions, Receiver, Sender, Session } from 'rhea'
import { offline } from '../errors.js'
import { withDeadline } from '../network/deadline.js'
import { CommandLink } from './command-link.js'
import type { AmqpConnection } from './connection.js'
import type { AmqpContext } from './context.js'
import type { LinkHost, OnLinkClosed } from './link-host.js'
import { LiveToken } from './live-token.js'
import { MethodLinks } from './method-links.js'
import { OnDemand } from './on-demand.js'
import { AmqpRefusal, opened } from './opened.js'
import { TelemetrySender } from './telemetry-sender.js'
import { TwinLinks } from './twin-links.js'
import { upstreamError } from './upstream-error.js'

const LINK_PROPERTIES = Object.freeze({
  'com.microsoft:api-version': '2021-04-12',
  'com.microsoft:client-version': 'edgewright',
})

/** One identity on one connection: its token, its session, and the links that were asked for so far. */
export class IdentitySession implements LinkHost {
  readonly identity: Identity
  readonly connection: AmqpConnection
  readonly logger: Logger
  readonly ended: AbortSignal
  readonly #context: AmqpContext
  readonly #session: Session
  readonly #token: LiveToken
  readonly #ending = new AbortController()
  readonly #telemetry: OnDemand<TelemetrySender>
  readonly #twin: OnDemand<TwinLinks>
  readonly #methods: OnDemand<MethodLinks>
  readonly #commands: OnDemand<CommandLink>
  #handlers: CloudHandlers = {}
  #desired = false
  #onDeaf: () => void = () => undefined

  private constructor(context: AmqpContext, identity: Identity, token: LiveToken) {
    this.identity = identity
    this.connection = context.connection
    this.logger = context.logger
    this.ended = this.#ending.signal
    this.#context = context
    this.#token = token
    this.#session = context.connection.beginSession()
    const deaf = () => this.#onDeaf()
    this.#telemetry = this.#onDemand(
      onClosed => this.#openTelemetry(onClosed),
      () => undefined,
    )
    this.#twin = this.#onDemand(
      onClosed => TwinLinks.open(this, patch => this.#handlers.desired?.(patch), onClosed),
      () => {
        this.#desired = false
        this.#onDeaf()
      },
    )
    this.#methods = this.#onDemand(
      onClosed => MethodLinks.open(this, async (...call) => (this.#handlers.method ?? nobody)(...call), onClosed),
      deaf,
    )
    this.#commands = this.#onDemand(
      onClosed => CommandLink.open(this, delivery => (this.#handlers.command ?? putBack)(delivery), onClosed),
      deaf,
    )
    this.#session.once('session_close', () => this.#end(AmqpRefusal.from(this.#session.error)))
    void token.lapsed.then(error => this.#end(error))
    void context.connection.lost.then(failure => this.#end(failure))
  }

  /**
   * Puts a token and begins a session.
   *
   * @throws as `CloudSession`
   */
  static async open(context: AmqpContext, identity: Identity): Promise<IdentitySession> {
    try {
      return new IdentitySession(context, identity, await presentToken(context, identity))
    } catch (error) {
      throw upstreamError(identity, error)
    }
  }

  /** Sends telemetry. @throws as `CloudSession` when its link cannot be opened */
  async send(messages: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    return (await this.#telemetry.get()).send(messages, signal)
  }

  /** The twin's links. @throws as `CloudSession` when they cannot be opened */
  twin(): Promise<TwinLinks> {
    return this.#twin.get()
  }

  /**
   * Listens for what has a handler, and for nothing else.
   *
   * @param onDeaf - what was listened to is gone, although the session is not
   * @throws as `CloudSession`
   */
  async serve(handlers: CloudHandlers, onDeaf: () => void): Promise<void> {
    this.#handlers = handlers
    this.#onDeaf = onDeaf
    await Promise.all([
      this.#serveDesired(handlers.desired !== undefined),
      serveOver(this.#methods, handlers.method !== undefined),
      serveOver(this.#commands, handlers.command !== undefined),
    ])
  }

  /** Ends the session in good order. */
  close(): void {
    this.#end(offline('the identity was closed'))
  }

  async attachSender(kind: AmqpLinkKind, options: LinkOptions, onClosed: OnLinkClosed): Promise<Sender> {
    const target = formatLinkAddress(kind, this.identity)
    const manual = { treat_modified_as_released: false }
    const link = this.#session.attach_sender({ target, ...manual, ...linkOptions(kind, options) })
    return this.#attached(link, target, onClosed)
  }

  async attachReceiver(kind: AmqpLinkKind, options: LinkOptions, onClosed: OnLinkClosed): Promise<Receiver> {
    const source = formatLinkAddress(kind, this.identity)
    const manual = { credit_window: 0, autoaccept: false }
    const link = this.#session.attach_receiver({ source, ...manual, ...linkOptions(kind, options) })
    return this.#attached(link, source, onClosed)
  }

  timed<T>(what: string, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, tuning } = this.#context
    const expired = () => {
      const error = offline(what)
      // A peer that does not answer on one link is not trusted on the others either.
      this.#end(error)
      return error
    }
    return withDeadline({ clock, delay: tuning.operationTimeout, expired, signals: [this.ended, signal] }, run)
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

  #onDemand<T>(open: (onClosed: OnLinkClosed) => Promise<T>, onLost: () => void): OnDemand<T> {
    const { clock, random, tuning } = this.#context
    const onClosed: OnLinkClosed = error => {
      links.failed(error)
      onLost()
    }
    const links: OnDemand<T> = new OnDemand(() => open(onClosed), { clock, random, backoff: tuning.identityRetry })
    return links
  }

  async #openTelemetry(onClosed: OnLinkClosed): Promise<TelemetrySender> {
    const link = await this.attachSender('events', { snd_settle_mode: 0, rcv_settle_mode: 0 }, error => {
      onClosed(error)
      sender.end(error.message)
    })
    const sender = new TelemetrySender(this.connection, link, {
      window: this.#context.tuning.window,
      together: this.#context.tuning.together,
      onUnauthorized: refusal => this.#end(refusal),
    })
    this.ended.addEventListener('abort', () => sender.end(this.ended.reason.message), { once: true })
    return sender
  }

  async #serveDesired(wanted: boolean): Promise<void> {
    if (wanted === this.#desired) return
    this.#desired = wanted
    try {
      await (await this.twin()).subscribe(wanted)
    } catch (error) {
      this.#desired = !wanted
      throw error
    }
  }

  /** Credentials that no longer count end the session; anything else only what it was about. */
  #judged(error: unknown): EdgewrightError {
    if (error instanceof AmqpRefusal && error.condition === AMQP_CONDITION.unauthorized) this.#end(error)
    return upstreamError(this.identity, error)
  }

  #end(error: unknown): void {
    if (this.ended.aborted) return
    this.#token.end()
    this.#session.close()
    this.#ending.abort(upstreamError(this.identity, error))
  }
}

async function nobody(): Promise<never> {
  throw new Error('nobody takes method calls here')
}

function putBack(delivery: CloudDelivery): void {
  delivery.settle('abandoned')
}

async function serveOver(links: OnDemand<{ close(): void }>, wanted: boolean): Promise<void> {
  if (wanted) await links.get()
  else (await links.giveUp())?.close()
}

/** rhea names links per session without regard to their direction, so the name must be unique. */
function linkOptions(kind: AmqpLinkKind, options: LinkOptions): LinkOptions {
  return { name: `${kind}-${randomUUID()}`, ...options, properties: { ...LINK_PROPERTIES, ...options.properties } }
}

function presentToken(context: AmqpContext, identity: Identity): Promise<LiveToken> {
  const { clock, logger, random, tuning, hostname, tokens } = context
  const audience = formatSasAudience(hostname, identity)
  const expired = () => offline('no answer to a token')
  return LiveToken.present({
    identity,
    clock,
    logger,
    random,
    lifetime: tuning.tokenLifetime,
    renewAfter: tuning.renewAfter,
    retryEvery: tuning.operationTimeout,
    sign: expiresAt => context.token(identity, audience, expiresAt),
    put: token =>
      withDeadline({ clock, delay: tuning.operationTimeout, expired }, signal => tokens.put(audience, token, signal)),
  })
}
