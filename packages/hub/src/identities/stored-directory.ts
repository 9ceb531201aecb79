import { setMaxListeners } from 'node:events'
import {
  type Clock,
  describeError,
  type Identity,
  type IdentityDirectory,
  type IdentityKey,
  identityKey,
  type IdentityRecord,
  type IdentitySource,
  type Logger,
  type Sealer,
  Service,
  type Store,
  type Timer,
  withDefaults,
} from '@edgewright/core'
import { SealedTable } from '../sealed-table.js'

/** What {@link StoredIdentityDirectory} works with. */
export interface IdentityDirectoryComponents {
  /** Must be running before the directory starts. */
  readonly store: Store
  readonly sealer: Sealer
  readonly source: IdentitySource
  readonly clock: Clock
  readonly logger: Logger
}

/** How often the cloud is asked. */
export interface IdentityDirectoryOptions {
  /** Milliseconds between two full refreshes. @default 3,600,000 */
  readonly refreshInterval?: number | undefined
  /** Milliseconds until a refresh that failed is tried again. @default 60,000 */
  readonly retryInterval?: number | undefined
  /** Milliseconds during which one identity is not asked for twice. @default 120,000 */
  readonly refreshDelay?: number | undefined
  /** Identities that were asked for and not found are remembered up to this number. @default 10,000 */
  readonly maxMisses?: number | undefined
}

/** Defaults of {@link IdentityDirectoryOptions}. Source: edgeHub settings `DeviceScopeCache…`. */
export const IDENTITY_DIRECTORY_DEFAULTS = Object.freeze({
  refreshInterval: 3_600_000,
  retryInterval: 60_000,
  refreshDelay: 120_000,
  maxMisses: 10_000,
})

type DirectorySettings = { readonly [Name in keyof IdentityDirectoryOptions]-?: number }

/** When what happens is reported. */
export interface IdentityDirectoryEvents {
  /** An identity is not to be trusted any more: it was removed or disabled. */
  revoked: [Identity]
}

/**
 * Identities, checked with the cloud once and then kept: in memory for answers at once, in the store for a start
 * without a link. A full refresh finds what was added, changed and removed.
 */
export class StoredIdentityDirectory extends Service<IdentityDirectoryEvents> implements IdentityDirectory {
  readonly #parts: IdentityDirectoryComponents
  readonly #options: DirectorySettings
  readonly #table: SealedTable<IdentityRecord>
  readonly #records = new Map<IdentityKey, IdentityRecord>()
  readonly #asked = new Map<IdentityKey, number>()
  readonly #asking = new Map<IdentityKey, Promise<IdentityRecord | undefined>>()
  #timer: Timer | undefined
  #refreshing: Promise<void> | undefined
  #abort = new AbortController()

  constructor(parts: IdentityDirectoryComponents, options: IdentityDirectoryOptions = {}) {
    super()
    this.#parts = parts
    this.#options = withDefaults(IDENTITY_DIRECTORY_DEFAULTS, options) as DirectorySettings
    this.#table = new SealedTable('identities', parts)
  }

  find(identity: Identity): IdentityRecord | undefined {
    return this.#records.get(identityKey(identity))
  }

  /** Everything known, in no particular order. */
  all(): readonly IdentityRecord[] {
    return [...this.#records.values()]
  }

  async refresh(identity: Identity, signal?: AbortSignal): Promise<IdentityRecord | undefined> {
    const key = identityKey(identity)
    const now = this.#parts.clock.monotonic()
    const last = this.#asked.get(key)
    if (last !== undefined && now - last < this.#options.refreshDelay)
      return this.#asking.get(key) ?? this.find(identity)
    if (this.#asked.size >= this.#options.maxMisses) this.#asked.delete(this.#asked.keys().next().value!)
    this.#asked.set(key, now)
    const asking = this.#ask(identity, signal).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  /** Asks about an identity that is known to have changed, however short a time ago it was asked for. */
  async renew(identity: Identity, signal?: AbortSignal): Promise<IdentityRecord | undefined> {
    await this.#asking.get(identityKey(identity))
    this.#asked.delete(identityKey(identity))
    return this.refresh(identity, signal)
  }

  /**
   * Asks the cloud about a device and those of its modules that are known, however recently that was done.
   *
   * @throws what keeps the cloud from being asked
   */
  async refreshDevice(deviceId: string): Promise<void> {
    const modules = this.all().filter(
      ({ identity }) => identity.deviceId === deviceId && identity.moduleId !== undefined,
    )
    for (const identity of [{ deviceId }, ...modules.map(({ identity }) => identity)]) {
      await this.#keepOrForget(identity, await this.#parts.source.get(identity, this.#abort.signal))
    }
  }

  /** Asks for everything now. Never throws: a failure is logged and tried again later. */
  refreshAll(): Promise<void> {
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  protected async onStart(): Promise<void> {
    this.#abort = new AbortController()
    // Every look-up under way listens.
    setMaxListeners(0, this.#abort.signal)
    for await (const [key, record] of this.#table.entries()) this.#records.set(key, record)
    if (this.#records.size > 0) void this.refreshAll()
    else await this.refreshAll()
  }

  protected async onStop(): Promise<void> {
    this.#abort.abort(new Error('the directory stops'))
    this.#timer?.cancel()
    await this.#refreshing
    await Promise.allSettled(this.#asking.values())
    this.#records.clear()
    this.#asked.clear()
  }

  async #ask(identity: Identity, signal: AbortSignal = this.#abort.signal): Promise<IdentityRecord | undefined> {
    let record: IdentityRecord | undefined
    try {
      record = await this.#parts.source.get(identity, signal)
    } catch (error) {
      this.#asked.delete(identityKey(identity))
      this.#parts.logger.log('warn', 'the cloud could not be asked about an identity', {
        identity: identityKey(identity),
        reason: describeError(error),
      })
      return this.find(identity)
    }
    await this.#keepOrForget(identity, record)
    return record
  }

  async #keepOrForget(identity: Identity, record: IdentityRecord | undefined): Promise<void> {
    if (record === undefined) await this.#forget(identity)
    else await this.#keep(record)
  }

  async #refreshAll(): Promise<void> {
    let delay: number = this.#options.refreshInterval
    try {
      const seen = new Set<IdentityKey>()
      for await (const record of this.#parts.source.list(this.#abort.signal)) {
        seen.add(identityKey(record.identity))
        await this.#keep(record)
      }
      for (const record of this.all()) {
        if (!seen.has(identityKey(record.identity))) await this.#forget(record.identity)
      }
      this.#parts.logger.log('info', 'identities refreshed from the cloud', { count: seen.size })
    } catch (error) {
      delay = this.#options.retryInterval
      if (!this.#abort.signal.aborted) {
        this.#parts.logger.log('warn', 'identities could not be refreshed', { reason: describeError(error) })
      }
    }
    if (this.#abort.signal.aborted) return
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(delay, () => void this.refreshAll())
  }

  async #keep(record: IdentityRecord): Promise<void> {
    const key = identityKey(record.identity)
    const known = this.#records.get(key)
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(record)) return
    await this.#table.put(key, record)
    this.#records.set(key, record)
    if (record.status === 'disabled') this.emit('revoked', record.identity)
  }

  async #forget(identity: Identity): Promise<void> {
    const key = identityKey(identity)
    if (!this.#records.has(key)) return
    await this.#table.delete(key)
    this.#records.delete(key)
    this.emit('revoked', identity)
  }
}
