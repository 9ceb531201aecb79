import {
  type Clock,
  type CloudSession,
  describeError,
  diffMergePatch,
  EdgewrightError,
  type JsonObject,
  type Logger,
  sleep,
  type Twin,
} from '@edgewright/core'

/** What a {@link TwinLoop} works with. */
export interface TwinLoopParts {
  readonly session: Pick<CloudSession, 'getTwin' | 'report'>
  readonly clock: Clock
  readonly logger: Logger
  /** Takes the twin as it is fetched. */
  readonly onTwin: (twin: Twin) => void
  /** What is to be reported, as it stands now. */
  readonly document: () => JsonObject
  /** Milliseconds until the twin is fetched anew, whatever happened. */
  readonly refresh: () => number
}

/** Milliseconds of a {@link TwinLoop}. */
export interface TwinLoopTimes {
  /** Changes that come so close to one another are reported together. */
  readonly gather: number
  /** Before the first try again; each further one doubles it. */
  readonly firstRetry: number
  readonly maxRetry: number
  /** What one call to the cloud may take. */
  readonly deadline: number
}

/**
 * Fetches a twin and keeps its reported properties as they should be. Only what differs from what the cloud has
 * acknowledged is sent; what could not be sent is not queued: the next report has the newest state.
 */
export class TwinLoop {
  readonly #parts: TwinLoopParts
  readonly #times: TwinLoopTimes
  #isStale = true
  /** What the cloud has; unknown until the twin was fetched. */
  #baseline: JsonObject = {}
  #isChanged = true
  #failures = 0
  #wake: () => void = () => undefined
  #woken = false

  constructor(parts: TwinLoopParts, times: TwinLoopTimes) {
    this.#parts = parts
    this.#times = times
  }

  /** What is to be reported has changed. */
  change(): void {
    this.#isChanged = true
    if (this.#failures === 0) this.#nudge()
  }

  /** What is known of the twin may be wrong; also tries again at once. */
  refresh(): void {
    this.#isStale = true
    this.#nudge()
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#nudge(), { once: true })
    while (!signal.aborted) {
      try {
        if (this.#isStale) await this.#fetch(signal)
        else if (this.#isChanged) await this.#report(signal)
        this.#failures = 0
        if (!this.#isStale && !this.#isChanged && (await this.#rest(this.#parts.refresh()))) this.#isStale = true
        if (!this.#isStale && this.#isChanged) await sleep(this.#parts.clock, this.#times.gather, signal)
      } catch (error) {
        if (signal.aborted) return
        const { firstRetry, maxRetry } = this.#times
        this.#parts.logger.log('warn', 'The twin of the agent is out of date', { error: describeError(error) })
        await this.#rest(Math.min(firstRetry * 2 ** this.#failures++, maxRetry))
      }
    }
  }

  /** Sends a last word, as far as the cloud can be reached within the time. */
  async sendLast(document: JsonObject, deadline: number): Promise<void> {
    if (this.#isStale) return
    await this.#limited(deadline, undefined, signal =>
      this.#parts.session.report(diffMergePatch(this.#baseline, document), signal),
    ).catch(() => undefined)
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    this.#isStale = false
    try {
      const twin = await this.#limited(this.#times.deadline, signal, limited => this.#parts.session.getTwin(limited))
      const own = Object.entries(twin.reported.properties).filter(([name]) => !name.startsWith('$'))
      this.#baseline = Object.fromEntries(own)
      this.#isChanged = true
      this.#parts.onTwin(twin)
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    this.#isChanged = false
    const document = this.#parts.document()
    const patch = diffMergePatch(this.#baseline, document)
    if (Object.keys(patch).length === 0) return
    try {
      await this.#limited(this.#times.deadline, signal, limited => this.#parts.session.report(patch, limited))
      this.#baseline = document
    } catch (error) {
      // Whether the cloud took it is not known.
      this.#isStale = true
      throw error
    }
  }

  async #limited<T>(
    deadline: number,
    outer: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const ending = new AbortController()
    const end = () => ending.abort(outer?.reason)
    outer?.addEventListener('abort', end, { once: true })
    const late = new EdgewrightError('CLOUD_TIMEOUT', `The cloud did not answer within ${deadline} ms`, {
      remedy: 'Nothing: it is tried again.',
    })
    const timer = this.#parts.clock.after(deadline, () => ending.abort(late))
    const ended = new Promise<never>((_, reject) =>
      ending.signal.addEventListener('abort', () => reject(ending.signal.reason), { once: true }),
    )
    try {
      return await Promise.race([call(ending.signal), ended])
    } finally {
      timer.cancel()
      outer?.removeEventListener('abort', end)
    }
  }

  #nudge(): void {
    this.#woken = true
    this.#wake()
  }

  /** Waits until there is something to do. @returns whether the time went by without */
  async #rest(time: number): Promise<boolean> {
    const isOver = await new Promise<boolean>(resolve => {
      const timer = this.#parts.clock.after(time, () => resolve(true))
      this.#wake = () => {
        timer.cancel()
        resolve(false)
      }
      if (this.#woken) this.#wake()
    })
    this.#wake = () => undefined
    this.#woken = false
    return isOver
  }
}
