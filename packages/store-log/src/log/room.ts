import type { Clock, EdgewrightError, Logger } from '@edgewright/core'
import type { Catalog } from '../catalog/catalog.js'
import { mediumFull, quotaReached } from '../errors.js'
import type { Reserve } from '../files/reserve.js'

/** Milliseconds between two looks whether a full medium has room again, unless something was removed meanwhile. */
const PROBE_INTERVAL = 1_000

/** Whether there is room for more: under the quota, and on the medium. */
export class Room {
  #isFull = false
  #nextProbe = 0
  #probing: Promise<void> | undefined

  constructor(
    readonly catalog: Catalog,
    readonly reserve: Reserve,
    readonly place: string,
    readonly quota: number,
    readonly clock: Clock,
    readonly logger: Logger,
  ) {}

  /** Whether the medium takes no more than what must always be possible. */
  get isFull(): boolean {
    return this.#isFull
  }

  /**
   * Whether there is room for so many bytes more.
   *
   * @throws `STORE_FULL`
   */
  assert(bytes: number): void {
    const { live } = this.catalog
    if (live + bytes > this.quota) throw quotaReached(this.place, live, this.quota)
    if (!this.#isFull) return
    this.#probe()
    throw mediumFull(this.place)
  }

  /** The medium has refused a write: the reserve is given up, for what removes. */
  async exhausted(refusal: EdgewrightError): Promise<void> {
    this.#nextProbe = this.clock.monotonic() + PROBE_INTERVAL
    this.#beFull(refusal)
    await this.reserve.release().catch(() => undefined)
  }

  /** Something may have been given back. */
  changed(): void {
    this.#nextProbe = 0
  }

  /** Takes the reserve; when there is not as much, the medium is full. */
  async takeReserve(): Promise<void> {
    try {
      await this.reserve.take()
      if (this.#isFull) this.logger.log('info', 'store has room again')
      this.#isFull = false
    } catch (error) {
      this.#beFull(error)
    }
  }

  /** Resolves when nobody looks for room. */
  async idle(): Promise<void> {
    await this.#probing
  }

  #probe(): void {
    const now = this.clock.monotonic()
    if (this.#probing !== undefined || now < this.#nextProbe) return
    this.#nextProbe = now + PROBE_INTERVAL
    this.#probing = this.takeReserve().then(() => {
      this.#probing = undefined
    })
  }

  #beFull(error: unknown): void {
    if (!this.#isFull) this.logger.log('error', 'store is full', { error })
    this.#isFull = true
  }
}
