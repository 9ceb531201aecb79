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
import type { Surroundings } from './surroundings.js'

/** Opens a session of an identity. @throws as `CloudSession` */
export type SessionOpener = () => Promise<IdentitySession>

/** One identity's part of one link: opens its session when it is needed, closes it when it is not. Errors as `CloudSession`. */
export class IdentityChannel {
  readonly #identity: Identity
  readonly #open: SessionOpener
  readonly #surroundings: Surroundings
  readonly #closing = new AbortController()
  #session: Promise<IdentitySession> | undefined
  #previousEnded: Promise<void> = Promise.resolve()
  #handlers: CloudHandlers = {}
  #handlersChanged: () => void = () => undefined
  #serving = false
  #refusals = 0
  #refusal: { readonly error: EdgewrightError; readonly until: number } | undefined
  #kept = false
  #gone: Promise<void> | undefined
  #users = 0
  #unused: () => void = () => undefined
  #idle: Timer | undefined

  constructor(identity: Identity, open: SessionOpener, surroundings: Surroundings) {
    this.#identity = identity
    this.#open = open
    this.#surroundings = surroundings
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
    if (!this.#serving && (listens(handlers) || this.#session !== undefined)) void this.#serve()
  }

  /** The session, opened when there is none. */
  session(): Promise<IdentitySession> {
    if (this.#session !== undefined) return this.#session
    const { clock } = this.#surroundings
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason)
    if (this.#refusal !== undefined && clock.monotonic() < this.#refusal.until)
      return Promise.reject(this.#refusal.error)
    const opening = this.#previousEnded.then(this.#open)
    this.#session = opening
    opening.then(
      session => this.#watch(opening, session),
      error => this.#over(opening, error),
    )
    return opening
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
    this.#handlersChanged()
    this.#idle?.cancel()
    if (this.#users > 0) {
      const patience = new AbortController()
      const unused = new Promise<void>(resolve => {
        this.#unused = resolve
      })
      await Promise.race([unused, sleep(clock, tuning.closeTimeout, patience.signal).catch(() => undefined)])
      patience.abort()
    }
    const session = await this.#session?.catch(() => undefined)
    session?.close()
    if (session !== undefined) await aborted(session.ended)
  }

  async #use<T>(task: (session: IdentitySession) => Promise<T>): Promise<T> {
    this.#users += 1
    this.#idle?.cancel()
    try {
      const result = await task(await this.session())
      this.#refusals = 0
      return result
    } finally {
      this.#users -= 1
      if (this.#users === 0) this.#unused()
      this.#restWhenIdle()
    }
  }

  #watch(opening: Promise<IdentitySession>, session: IdentitySession): void {
    this.#previousEnded = aborted(session.ended)
    void aborted(session.retired).then(() => this.#over(opening, session.retired.reason))
  }

  #over(session: Promise<IdentitySession>, error: unknown): void {
    if (this.#session === session) this.#session = undefined
    // What concerns the link passes with it; what concerns the identity is not asked again at once.
    if (!EdgewrightError.is(error) || error.code === 'UPSTREAM_OFFLINE') return
    this.#refusals += 1
    const { clock, tuning, random } = this.#surroundings
    const until = clock.monotonic() + backoffDelay(tuning.identityRetry, this.#refusals, random())
    this.#refusal = { error, until }
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
        await this.#untilOutdated(handlers, session.retired, deaf.signal, closing)
        failures = 0
      } catch (error) {
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
    await Promise.race([changed, ...signals.map(aborted)])
  }

  #restWhenIdle(): void {
    this.#idle?.cancel()
    if (this.#kept || this.#users > 0 || this.#serving || this.#session === undefined) return
    const { clock, tuning } = this.#surroundings
    this.#idle = clock.after(tuning.idleTimeout, () => void this.#session?.then(session => session.close()))
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
