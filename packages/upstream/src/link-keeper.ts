import { type Clock, type Logger, sleep } from '@edgewright/core'
import { type BackoffOptions, backoffDelay } from './backoff.js'
import type { CloudLink } from './cloud-link.js'
import { mayBeBlocked } from './network/failure.js'
import { TransportChoice, type TransportName } from './transport-choice.js'
import type { LinkOpener } from './transports.js'

/** What a {@link LinkKeeper} keeps to, and whom it tells. */
export interface LinkKeeperOptions {
  /** By preference. */
  readonly transports: readonly TransportName[]
  readonly open: LinkOpener
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly backoff: BackoffOptions
  /** Waits between attempts to return to the preferred transport. */
  readonly returnBackoff: BackoffOptions
  readonly onUp: () => void
  /** Lost, or one more attempt that failed. */
  readonly onDown: (reason: string) => void
}

/** A link that is up, and what it runs over. */
interface Current {
  readonly link: CloudLink
  readonly transport: TransportName
}

/** Keeps one link up: opens it, waits for its loss, opens another, over the transport that works, until stopped. */
export class LinkKeeper {
  readonly #options: LinkKeeperOptions
  readonly #choice: TransportChoice
  readonly #stopping = new AbortController()
  readonly #leaving = new Set<Promise<void>>()
  #running: Promise<void> = Promise.resolve()
  #current: Current | undefined
  #upSince = Number.POSITIVE_INFINITY

  constructor(options: LinkKeeperOptions) {
    this.#options = options
    this.#choice = new TransportChoice(options.transports)
  }

  /** The link while it is up. */
  get link(): CloudLink | undefined {
    return this.#current?.link
  }

  start(): void {
    this.#running = this.#run(this.#stopping.signal)
  }

  /** Closes the link in good order and opens no more. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped'))
    await this.link?.close()
    await this.#running
    await Promise.all(this.#leaving)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, backoff, random, onDown, logger } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      const transport = this.#choice.next()
      this.#upSince = Number.POSITIVE_INFINITY
      const failure = await this.#attempt(transport, signal)
      // A link that holds for a while is a success; one that falls at once is a failure like any other.
      const hasLasted = clock.monotonic() - this.#upSince > backoff.most * 4
      if (!hasLasted) this.#choice.failed(transport, mayBeBlocked(failure))
      failures = hasLasted ? 1 : failures + 1
      if (signal.aborted) return
      const reason = failure instanceof Error ? failure.message : String(failure)
      onDown(reason)
      const delay = backoffDelay(backoff, failures, random())
      logger.log('debug', 'next attempt to connect', { delay: Math.round(delay), failures, transport, reason })
      await sleep(clock, delay, signal).catch(() => undefined)
    }
  }

  /** Opens a link and stays with it, or its better successor; resolves with what ended it, or kept it from opening. */
  async #attempt(transport: TransportName, signal: AbortSignal): Promise<unknown> {
    try {
      await this.#up(transport, await this.#options.open(transport, signal))
      for (let failures = 0; this.#current !== undefined; failures++) {
        const loss = await this.#lostOr(this.#current, failures, signal)
        if (loss !== undefined) return loss
        await this.#tryToReturn(signal)
      }
    } catch (error) {
      return error
    } finally {
      this.#current = undefined
    }
  }

  async #up(transport: TransportName, link: CloudLink): Promise<void> {
    if (this.#stopping.signal.aborted) return link.close()
    const previous = this.#current
    this.#current = { link, transport }
    this.#upSince = this.#options.clock.monotonic()
    this.#choice.succeeded(transport)
    this.#options.onUp()
    if (previous === undefined) return
    this.#options.logger.log('info', 'upstream changed its transport', { from: previous.transport, to: transport })
    const leaving = previous.link.close().finally(() => this.#leaving.delete(leaving))
    this.#leaving.add(leaving)
  }

  /** Resolves with the loss of the link, or undefined when it is time to look for a better one. */
  async #lostOr({ link, transport }: Current, failures: number, signal: AbortSignal): Promise<Error | undefined> {
    if (transport === this.#choice.preferred) return link.lost
    const { clock, returnBackoff, random } = this.#options
    const patience = new AbortController()
    const delay = returnBackoff.first / 2 + backoffDelay(returnBackoff, failures + 1, random())
    const tired = sleep(clock, delay, patience.signal).catch(() => new Promise<undefined>(() => undefined))
    const onAbort = () => patience.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    const loss = await Promise.race([link.lost, tired])
    signal.removeEventListener('abort', onAbort)
    patience.abort()
    return loss ?? undefined
  }

  async #tryToReturn(signal: AbortSignal): Promise<void> {
    const { preferred } = this.#choice
    try {
      await this.#up(preferred, await this.#options.open(preferred, signal))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#options.logger.log('debug', 'the preferred transport is still not available', {
        transport: preferred,
        reason,
      })
    }
  }
}
