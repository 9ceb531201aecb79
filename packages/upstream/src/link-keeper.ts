import { type Clock, type Logger, sleep } from '@edgewright/core'
import { type BackoffOptions, backoffDelay } from './backoff.js'
import type { CloudLink, LinkOpener } from './cloud-link.js'

/** What a {@link LinkKeeper} keeps to, and whom it tells. */
export interface LinkKeeperOptions {
  readonly open: LinkOpener
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly backoff: BackoffOptions
  readonly onUp: (link: CloudLink) => void
  /** Lost, or one more attempt that failed. */
  readonly onDown: (reason: string) => void
}

/** Keeps one link up: opens it, waits for its loss, opens another, until stopped. */
export class LinkKeeper {
  readonly #options: LinkKeeperOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #link: CloudLink | undefined

  constructor(options: LinkKeeperOptions) {
    this.#options = options
  }

  /** The link while it is up. */
  get link(): CloudLink | undefined {
    return this.#link
  }

  start(): void {
    this.#running = this.#run(this.#stopping.signal)
  }

  /** Closes the link in good order and opens no more. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped'))
    await this.#link?.close()
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, backoff, random, onUp, onDown, logger } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      const began = clock.monotonic()
      try {
        const link = await this.#options.open(signal)
        this.#link = link
        onUp(link)
        const loss = await link.lost
        this.#link = undefined
        onDown(loss.message)
      } catch (error) {
        if (!signal.aborted) onDown(error instanceof Error ? error.message : String(error))
      }
      // A link that holds for a while is a success; one that falls at once is a failure like any other.
      failures = clock.monotonic() - began > backoff.most * 4 ? 1 : failures + 1
      const delay = backoffDelay(backoff, failures, random())
      logger.log('debug', 'next attempt to connect', { delay: Math.round(delay), failures })
      await sleep(clock, delay, signal).catch(() => undefined)
    }
  }
}
