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
import { backoffDelay } from '../backoff.js'
import { type IdentityChannel, listens } from '../cloud-link.js'
import { offline } from '../errors.js'
import type { AmqpContext } from './context.js'
import { IdentitySession } from './identity-session.js'

/** One identity on one connection: opens its session when it is needed, closes it when it is not. */
export class AmqpIdentityChannel implements IdentityChannel {
  readonly #context: AmqpContext
  readonly #identity: Identity
  readonly #closing = new AbortController()
  #session: Promise<IdentitySession> | undefined
  #handlers: CloudHandlers = {}
  #serving = false
  #handlersChanged: () => void = () => undefined
  #refusals = 0
  #refusal: { readonly error: EdgewrightError; readonly until: number } | undefined
  #users = 0
  #idle: Timer | undefined

  constructor(context: AmqpContext, identity: Identity) {
    this.#context = context
    this.#identity = identity
    void context.connection.lost.then(failure => this.#closing.abort(offline(failure.message, failure)))
  }

  async send(messages: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    try {
      return await this.#use(session => session.send(messages, signal))
    } catch (error) {
      const outcome = retry(error instanceof Error ? error.message : String(error))
      return messages.map(() => outcome)
    }
  }

  getTwin(signal?: AbortSignal): Promise<Twin> {
    return this.#use(async session => (await session.twin()).get(signal))
  }

  report(patch: JsonObject, signal?: AbortSignal): Promise<number> {
    return this.#use(async session => (await session.twin()).report(patch, signal))
  }

  handle(handlers: CloudHandlers): void {
    this.#handlers = handlers
    this.#handlersChanged()
    if (!this.#serving && (listens(handlers) || this.#session !== undefined)) void this.#serve()
  }

  async close(): Promise<void> {
    this.#closing.abort(offline('the identity was closed'))
    this.#idle?.cancel()
    const session = await this.#session?.catch(() => undefined)
    session?.close()
  }

  async #use<T>(task: (session: IdentitySession) => Promise<T>): Promise<T> {
    this.#users += 1
    this.#idle?.cancel()
    try {
      const result = await task(await this.#opened())
      this.#refusals = 0
      return result
    } finally {
      this.#users -= 1
      this.#restWhenIdle()
    }
  }

  #opened(): Promise<IdentitySession> {
    if (this.#session !== undefined) return this.#session
    const { clock, openings } = this.#context
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason)
    if (this.#refusal !== undefined && clock.monotonic() < this.#refusal.until)
      return Promise.reject(this.#refusal.error)
    const opening = openings.run(() => IdentitySession.open(this.#context, this.#identity))
    this.#session = opening
    const onEnd = (error: unknown) => this.#ended(opening, error)
    opening.then(
      session => session.ended.addEventListener('abort', () => onEnd(session.ended.reason), { once: true }),
      onEnd,
    )
    return opening
  }

  #ended(session: Promise<IdentitySession>, error: unknown): void {
    if (this.#session === session) this.#session = undefined
    // What concerns the link passes with it; what concerns the identity is not asked again at once.
    if (!EdgewrightError.is(error) || error.code === 'UPSTREAM_OFFLINE') return
    this.#refusals += 1
    const { clock, tuning, random } = this.#context
    const until = clock.monotonic() + backoffDelay(tuning.identityRetry, this.#refusals, random())
    this.#refusal = { error, until }
  }

  /** Sees that what has a handler is heard, session after session. */
  async #serve(): Promise<void> {
    const { clock, logger, tuning, random } = this.#context
    const closing = this.#closing.signal
    this.#serving = true
    for (let failures = 0; !closing.aborted; ) {
      const handlers = this.#handlers
      try {
        const session = await this.#opened()
        const deaf = new AbortController()
        await session.serve(handlers, () => deaf.abort())
        if (!listens(handlers) && this.#handlers === handlers) break
        await this.#untilOutdated(handlers, session.ended, deaf.signal)
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
  #untilOutdated(handlers: CloudHandlers, ...signals: readonly AbortSignal[]): Promise<void> {
    return new Promise(resolve => {
      this.#handlersChanged = resolve
      for (const signal of signals) signal.addEventListener('abort', () => resolve(), { once: true })
      if (signals.some(({ aborted }) => aborted) || this.#handlers !== handlers) resolve()
    })
  }

  #restWhenIdle(): void {
    this.#idle?.cancel()
    if (this.#users > 0 || this.#serving || this.#session === undefined) return
    const { clock, tuning } = this.#context
    this.#idle = clock.after(tuning.idleTimeout, () => void this.#session?.then(session => session.close()))
  }
}
