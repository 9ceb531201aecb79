import { randomUUID } from 'node:crypto'
import type { CloudHandlers, DeliveryOutcome, Identity, Logger, Message } from '@edgewright/core'
import { type AmqpLinkKind, formatLinkAddress, formatSasAudience } from '@edgewright/protocol'
import type { LinkOptions, Receiver, Sender, Session } from 'rhea'
import { offline } from '../errors.js'
import { withDeadline } from '../network/deadline.js'
import { CommandLink } from './command-link.js'
import type { AmqpConnection } from './connection.js'
import type { AmqpContext } from './context.js'
import type { LinkHost } from './link-host.js'
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
  readonly #closedHere = new WeakSet<Sender | Receiver>()
  readonly #telemetry = new OnDemand(() => this.#openTelemetry())
  readonly #twin = new OnDemand(() => TwinLinks.open(this, patch => this.#handlers.desired?.(patch)))
  readonly #methods = new OnDemand(() =>
    MethodLinks.open(this, async (request, signal) => {
      if (this.#handlers.method === undefined) throw new Error('nobody takes method calls here')
      return this.#handlers.method(request, signal)
    }),
  )
  readonly #commands = new OnDemand(() =>
    CommandLink.open(this, delivery => {
      if (this.#handlers.command === undefined) delivery.settle('abandoned')
      else this.#handlers.command(delivery)
    }),
  )
  #handlers: CloudHandlers = {}
  #desired = false

  private constructor(context: AmqpContext, identity: Identity, token: LiveToken) {
    this.identity = identity
    this.connection = context.connection
    this.logger = context.logger
    this.ended = this.#ending.signal
    this.#context = context
    this.#token = token
    this.#session = context.connection.beginSession()
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

  /** Listens for what has a handler, and for nothing else. @throws as `CloudSession` */
  async serve(handlers: CloudHandlers): Promise<void> {
    this.#handlers = handlers
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

  async attachSender(kind: AmqpLinkKind, options: LinkOptions = {}): Promise<Sender> {
    const target = formatLinkAddress(kind, this.identity)
    const link = this.#session.attach_sender({
      target,
      treat_modified_as_released: false,
      ...linkOptions(kind, options),
    })
    return this.#attached(link, target)
  }

  async attachReceiver(kind: AmqpLinkKind, options: LinkOptions = {}): Promise<Receiver> {
    const source = formatLinkAddress(kind, this.identity)
    const manual = { credit_window: 0, autoaccept: false }
    const link = this.#session.attach_receiver({ source, ...manual, ...linkOptions(kind, options) })
    return this.#attached(link, source)
  }

  detach(link: Sender | Receiver): void {
    this.#closedHere.add(link)
    link.close()
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

  async #attached<L extends Sender | Receiver>(link: L, address: string): Promise<L> {
    const closed = link.is_receiver() ? 'receiver_close' : 'sender_close'
    try {
      await this.timed(`no answer to the attach of ${address}`, undefined, signal => opened(link, signal))
    } catch (error) {
      const judged = upstreamError(this.identity, error)
      if (judged.code === 'UPSTREAM_UNAUTHORIZED') this.#end(judged)
      throw judged
    }
    link.once(closed, () => {
      if (!this.#closedHere.has(link)) this.#end(AmqpRefusal.from(link.error))
    })
    return link
  }

  async #openTelemetry(): Promise<TelemetrySender> {
    const link = await this.attachSender('events', { snd_settle_mode: 0, rcv_settle_mode: 0 })
    const sender = new TelemetrySender(this.connection, link, {
      window: this.#context.tuning.window,
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

  #end(error: unknown): void {
    if (this.ended.aborted) return
    this.#token.end()
    this.#session.close()
    this.#ending.abort(upstreamError(this.identity, error))
  }
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
