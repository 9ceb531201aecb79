import {
  type CloudHandlers,
  describeError,
  type DeliveryOutcome,
  EdgewrightError,
  type Identity,
  identityKey,
  type JsonObject,
  type Message,
  retry,
  sleep,
  type Timer,
  type Twin,
} from '@edgewright/core'
import { backoffDelay } from './backoff.js'
import { type IdentitySession, listens } from './cloud-link.js'
import { offline } from './errors.js'
import { aborted, abortedOr, withPatience } from './network/deadline.js'
import { OnDemand } from './on-demand.js'
import type { Surroundings } from './surroundings.js'

/** Opens a session of an identity. @throws as `CloudSession` */
export type SessionOpener = () => Promise<IdentitySession>

/** One identity's part of one link: opens its session when it is needed, closes it when it is not. Errors as `CloudSession`. */
export class IdentityChannel {
  readonly #identity: Identity
  readonly #surroundings: Surroundings
  readonly #onGone: () => void
  readonly #session: OnDemand<IdentitySession>
  readonly #closing = new AbortController()
  #previousEnded: Promise<void> = Promise.resolve()
  #handlers: CloudHandlers = {}
  #handlersChanged: () => void = () => undefined
  #serving = false
  #kept = false
  #gone: Promise<void> | undefined
  #users = 0
  #unused: () => void = () => undefined
  #idle: Timer | undefined

  /** @param onGone - called when it was closed and nothing of it is left */
  constructor(identity: Identity, open: SessionOpener, surroundings: Surroundings, onGone: () => void) {
    const { clock, random, tuning } = surroundings
    this.#identity = identity
    this.#surroundings = surroundings
    this.#onGone = onGone
    this.#session = new OnDemand(() => this.#open(open), {
      clock,
      random,
      backoff: tuning.identityRetry,
      // What concerns the link passes with it; what concerns the identity is not asked again at once.
      holdsOff: error => EdgewrightError.is(error) && error.code !== 'UPSTREAM_OFFLINE',
    })
  }

  async send(messages: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    const hold = this.#surroundings.traffic.hold
    if (hold !== undefined) return messages.map(() => retry(hold))
    try {
      return await this.#use(session => session.send(messages, signal))
    } catch (error) {
      const outcome = retry(error instanceof Error ? error.message : String(error))
      return messages.map(() => outcome)
    }
  }

  getTwin(signal?: AbortSignal): Promise<Twin> {
    return this.#use(session => session.getTwin(signal))
  }

  report(patch: JsonObject, signal?: AbortSignal): Promise<number> {
    return this.#use(session => session.report(patch, signal))
  }

  /** Replaces what is listened for. */
  handle(handlers: CloudHandlers): void {
    this.#handlers = handlers
    this.#handlersChanged()
    if (!this.#serving && (listens(handlers) || this.#session.current !== undefined)) void this.#serve()
  }

  /** The session, opened when there is none. */
  async session(): Promise<IdentitySession> {
    if (this.isClosed) throw this.#closing.signal.reason
    return this.#session.get()
  }

  /** From now on the session is not closed when nobody uses it. */
  keepOpen(): void {
    this.#kept = true
  }

  /** Whether it was closed, for good. */
  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Takes nothing more, and ends the session when what is under way is done, or after a while. Resolves when it is gone. */
  close(): Promise<void> {
    this.#gone ??= this.#close()
    return this.#gone
  }

  async #close(): Promise<void> {
    const { clock, tuning } = this.#surroundings
    this.#closing.abort(offline('the identity was closed'))
    this.#idle?.cancel()
    if (this.#users > 0) {
      const unused = new Promise<void>(resolve => {
        this.#unused = resolve
      })
      await withPatience(clock, tuning.closeTimeout, unused)
    }
    const session = await this.#session.current?.catch(() => undefined)
    session?.close()
    if (session !== undefined) await aborted(session.ended)
    this.#onGone()
  }

  async #use<T>(task: (session: IdentitySession) => Promise<T>): Promise<T> {
    this.#users += 1
    this.#idle?.cancel()
    try {
      return await task(await this.session())
    } finally {
      this.#users -= 1
      if (this.#users === 0) this.#unused()
      this.#restWhenIdle()
    }
  }

  /** An identity may not have two sessions, so a new one waits for the end of the last. */
  async #open(open: SessionOpener): Promise<IdentitySession> {
    await this.#previousEnded
    const session = await open().catch(error => {
      this.#notice(error)
      throw error
    })
    const current = this.#session.current
    this.#previousEnded = aborted(session.ended)
    void aborted(session.retired).then(() => {
      this.#notice(session.retired.reason)
      this.#session.failed(session.retired.reason, current)
    })
    return session
  }

  #notice(error: unknown): void {
    if (EdgewrightError.is(error, 'UPSTREAM_UNAUTHORIZED')) this.#surroundings.onUnauthorized?.(this.#identity)
  }

  /** Sees that what has a handler is heard, session after session. */
  async #serve(): Promise<void> {
    const { clock, logger, tuning, random } = this.#surroundings
    const closing = this.#closing.signal
    this.#serving = true
    for (let failures = 0; !closing.aborted; ) {
      const handlers = this.#handlers
      try {
        const session = await this.session()
        const deaf = new AbortController()
        await session.serve(handlers, () => deaf.abort())
        if (!listens(handlers) && this.#handlers === handlers) break
        handlers.listening?.()
        await this.#untilOutdated(handlers, session.retired, deaf.signal, closing)
        failures = 0
      } catch (error) {
        if (closing.aborted) break
        failures += 1
        const delay = backoffDelay(tuning.identityRetry, failures, random())
        const identity = identityKey(this.#identity)
        logger.log('warn', 'not listening to the cloud', { identity, reason: describeError(error), retryIn: delay })
        await sleep(clock, delay, closing).catch(() => undefined)
      }
    }
    this.#serving = false
    this.#restWhenIdle()
  }

  /** Resolves when one of the signals is aborted, or other handlers were given. */
  async #untilOutdated(handlers: CloudHandlers, ...signals: readonly AbortSignal[]): Promise<void> {
    const changed = new Promise<void>(resolve => {
      this.#handlersChanged = resolve
      if (this.#handlers !== handlers) resolve()
    })
    await abortedOr(signals, changed)
  }

  #restWhenIdle(): void {
    this.#idle?.cancel()
    if (this.#kept || this.#users > 0 || this.#serving || this.#session.current === undefined) return
    const { clock, tuning } = this.#surroundings
    this.#idle = clock.after(tuning.idleTimeout, () => void this.#session.current?.then(session => session.close()))
  }
}
