import {
  type CloudHandlers,
  type CloudSession,
  type DeliveryOutcome,
  type Identity,
  type JsonObject,
  type Logger,
  type Message,
  retry,
  type Twin,
} from '@edgewright/core'
import { type CloudLink, listens } from './cloud-link.js'
import { offline } from './errors.js'
import { guardedHandlers } from './guarded-handlers.js'
import type { IdentityChannel } from './identity-channel.js'

/** What a session asks of the upstream it belongs to. */
export interface SessionHome {
  /** The link that this identity is to use now, or why there is none. */
  link(): CloudLink | string
  closed(): void
  readonly logger: Logger
}

/** One identity, whatever link is up: what it listens for is kept from link to link. */
export class IotHubSession implements CloudSession {
  readonly identity: Identity
  readonly #home: SessionHome
  #current: { readonly link: CloudLink; readonly channel: IdentityChannel } | undefined
  #handlers: CloudHandlers = {}
  #closed = false

  constructor(identity: Identity, home: SessionHome) {
    this.identity = identity
    this.#home = home
  }

  async send(batch: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    const channel = this.#channel()
    if (typeof channel !== 'string') return channel.send(batch, signal)
    const outcome = retry(channel)
    return batch.map(() => outcome)
  }

  async getTwin(signal?: AbortSignal): Promise<Twin> {
    return this.#reachable().getTwin(signal)
  }

  async report(patch: JsonObject, signal?: AbortSignal): Promise<number> {
    return this.#reachable().report(patch, signal)
  }

  handle(handlers: CloudHandlers): void {
    this.#handlers = guardedHandlers(handlers, this.identity, this.#home.logger)
    this.#listen()
  }

  /** A link came up: what is listened for is to be heard over it. */
  linkUp(): void {
    if (listens(this.#handlers)) this.#listen()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#home.closed()
    await this.#current?.channel.close()
  }

  #listen(): void {
    const channel = this.#channel()
    if (typeof channel !== 'string') channel.handle(this.#handlers)
  }

  #reachable(): IdentityChannel {
    const channel = this.#channel()
    if (typeof channel === 'string') throw offline(channel)
    return channel
  }

  /** This identity's part of the link that is up, or why there is none. */
  #channel(): IdentityChannel | string {
    if (this.#closed) return 'the session was closed'
    const link = this.#home.link()
    if (typeof link === 'string') return link
    if (this.#current?.link !== link) {
      void this.#current?.channel.close()
      this.#current = { link, channel: link.channel(this.identity) }
    }
    return this.#current.channel
  }
}
