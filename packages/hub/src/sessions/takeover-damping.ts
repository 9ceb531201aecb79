import {
  type Clock,
  type Counter,
  EdgewrightError,
  type IdentityKey,
  type Logger,
  type Meter,
  sleep,
  withDefaults,
} from '@edgewright/core'

/** How two clients with one identity are kept from fighting for it. Times in milliseconds. */
export interface TakeoverDampingOptions {
  /** Takeovers of one identity that happen at once. @default 3 */
  readonly freeTakeovers?: number | undefined
  /** How long the first one after those waits; each further one twice as long. @default 1,000 */
  readonly firstDelay?: number | undefined
  /** The longest wait. @default 30,000 */
  readonly longestDelay?: number | undefined
  /** Without a takeover for so long, all is forgotten. @default 300,000 */
  readonly memory?: number | undefined
}

/** Defaults of {@link TakeoverDampingOptions}. */
export const TAKEOVER_DAMPING_DEFAULTS = Object.freeze({
  freeTakeovers: 3,
  firstDelay: 1_000,
  longestDelay: 30_000,
  memory: 300_000,
})

/** Identities whose takeovers are remembered. */
const MAX_CONTESTS = 10_000

/**
 * Two live clients with one identity take it from one another for ever, because each loser comes back. Here the newer one
 * waits longer each time. Only a takeover waits, and only while the older session lives: who comes back after its
 * connection has broken finds none. Source: wire reference, section 2.9.
 */
export class TakeoverDamping {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limits: typeof TAKEOVER_DAMPING_DEFAULTS
  readonly #takeovers: Counter
  readonly #delayed: Counter
  readonly #contests = new Map<IdentityKey, Contest>()
  readonly #waiting = new Map<IdentityKey, AbortController>()

  constructor(
    { clock, logger, meter }: { readonly clock: Clock; readonly logger: Logger; readonly meter: Meter },
    options: TakeoverDampingOptions = {},
  ) {
    this.#clock = clock
    this.#logger = logger
    this.#limits = withDefaults(TAKEOVER_DAMPING_DEFAULTS, options) as typeof TAKEOVER_DAMPING_DEFAULTS
    this.#takeovers = meter.counter('edgewright_takeovers_total')
    this.#delayed = meter.counter('edgewright_takeovers_delayed_total')
  }

  /**
   * Resolves when a newer client may take over: at once, after a while, or as soon as the older session has ended.
   *
   * @param holder - aborted when the older session has ended
   * @param signal - the newer client has left
   * @throws the signal's reason; `SESSION_ENDED` when {@link dismiss} was called
   */
  async turn(key: IdentityKey, holder: AbortSignal, signal?: AbortSignal): Promise<void> {
    this.#takeovers.add()
    const takeovers = this.#count(key)
    const delay = this.#delay(takeovers)
    if (delay === 0) return
    this.#delayed.add()
    this.#logger.log('warn', 'an identity is taken over again and again: two clients may share it', {
      identity: key,
      takeovers,
      delay,
    })
    const waiting = this.#waiting.get(key) ?? new AbortController()
    this.#waiting.set(key, waiting)
    const given = signal === undefined ? waiting.signal : AbortSignal.any([waiting.signal, signal])
    await sleep(this.#clock, delay, AbortSignal.any([holder, given])).catch(() => undefined)
    given.throwIfAborted()
  }

  /** Sends away who waits for an identity. */
  dismiss(key: IdentityKey): void {
    this.#waiting.get(key)?.abort(new EdgewrightError('SESSION_ENDED', 'There is nothing to wait for any more'))
    this.#waiting.delete(key)
  }

  /** Sends away everybody who waits. */
  dismissAll(): void {
    for (const key of [...this.#waiting.keys()]) this.dismiss(key)
  }

  #count(key: IdentityKey): number {
    const now = this.#clock.monotonic()
    const known = this.#contests.get(key)
    const takeovers = known === undefined || now - known.last >= this.#limits.memory ? 1 : known.takeovers + 1
    this.#contests.delete(key)
    this.#contests.set(key, { takeovers, last: now })
    if (this.#contests.size > MAX_CONTESTS) this.#contests.delete(this.#contests.keys().next().value!)
    return takeovers
  }

  #delay(takeovers: number): number {
    const { freeTakeovers, firstDelay, longestDelay } = this.#limits
    const excess = takeovers - freeTakeovers
    return excess <= 0 ? 0 : Math.min(longestDelay, firstDelay * 2 ** Math.min(excess - 1, 20))
  }
}

interface Contest {
  readonly takeovers: number
  readonly last: number
}
