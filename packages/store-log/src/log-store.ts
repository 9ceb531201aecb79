import {
  assertStoreChange,
  compareStoreKeys,
  type QueueEntry,
  type QueueRead,
  type QueueState,
  Service,
  type Store,
  type StoreAppend,
  type StoreChange,
  type StoreRemoval,
  type StoreUsage,
} from '@edgewright/core'
import type { Address } from './catalog/address.js'
import { lengthOf } from './catalog/address.js'
import type { LogQueue } from './catalog/log-queue.js'
import { OVERHEAD_BYTES } from './catalog/segment.js'
import { mediumError } from './errors.js'
import type { Finding } from './findings.js'
import type { Removal } from './log/group.js'
import type { Fetched, Places } from './log/reader.js'
import { OpenLog } from './open-log.js'
import type { LogStoreOptions } from './options.js'

/** What a log store tells of its own accord. */
export interface LogStoreEvents {
  /** Something is wrong with files: on start, or when a read finds it. What is damaged is set aside already. */
  findings: [findings: readonly Finding[]]
}

/** What `QueueRead` leaves open. */
const READ_DEFAULTS = Object.freeze({ limit: 256, maxBytes: 1_048_576 })

/** Rows fetched at a time by a walk over a table. */
const WALK_ROWS = 64

/**
 * Queues and tables in a log of our own: segments of checksummed records, one write and one sync for all changes that
 * gathered meanwhile. The format is in `docs/reference/store-log-format.md`.
 *
 * A damaged store starts: what is damaged is copied to the folder `quarantine` and reported, the rest is there.
 *
 * @throws `STORE_IN_USE`; `STORE_DAMAGED` when a newer version has written the store; on start
 */
export class LogStore extends Service<LogStoreEvents> implements Store {
  readonly #options: LogStoreOptions
  #log: OpenLog | undefined

  constructor(options: LogStoreOptions) {
    super()
    this.#options = options
  }

  async write(change: StoreChange): Promise<void> {
    const log = this.#running()
    assertStoreChange(change)
    const { append = [], remove = [], put = [] } = change
    const removals = remove.flatMap(removal => resolveRemoval(log, removal))
    if (removals.length === 0) log.assertRoom(addedBytes(append))
    return log.writer.write({ appends: append, removals, puts: put })
  }

  async read(name: string, range: QueueRead = {}): Promise<readonly QueueEntry[]> {
    const log = this.#running()
    const queue = log.catalog.queues.get(name)
    if (queue === undefined) return []
    for (let from = range.from ?? 0; ; ) {
      const batch = selectEntries(queue, from, range)
      if (batch.positions.length === 0) return []
      const entries = entriesOf(batch, await this.#fetch(log, batch))
      if (entries.length > 0) return entries
      from = batch.positions.at(-1)! + 1
    }
  }

  queue(name: string): QueueState {
    const found = this.#running().catalog.queues.get(name)
    return found?.state ?? { queue: name, length: 0, bytes: 0, head: 0, next: 0 }
  }

  queues(prefix = ''): readonly QueueState[] {
    const states: QueueState[] = []
    for (const queue of this.#running().catalog.queues.values()) {
      if (queue.length > 0 && queue.name.startsWith(prefix)) states.push(queue.state)
    }
    return states
  }

  async removeExpired(now: number): Promise<readonly { readonly queue: string; readonly count: number }[]> {
    const { catalog, writer } = this.#running()
    const removals: Removal[] = []
    for (const queue of catalog.queues.values()) {
      for (const run of queue.expiredRuns(now)) removals.push({ queue, ...run, count: 0 })
    }
    if (removals.length > 0) await writer.write({ appends: [], removals, puts: [] })
    const counts = new Map<string, number>()
    for (const { queue, count } of removals) counts.set(queue.name, (counts.get(queue.name) ?? 0) + count)
    return Array.from(counts, ([queue, count]) => ({ queue, count })).filter(({ count }) => count > 0)
  }

  async get(table: string, key: string): Promise<Uint8Array | undefined> {
    const log = this.#running()
    const row = log.catalog.tables.get(table)?.rows.get(key)
    if (row === undefined) return undefined
    const [value] = await this.#fetch(log, { addresses: [row.address], lengths: [row.length] })
    return value
  }

  async *entries(table: string, prefix = ''): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    const rows = this.#running().catalog.tables.get(table)?.rows
    if (rows === undefined) return
    const keys = [...rows.keys()].filter(key => key.startsWith(prefix)).sort(compareStoreKeys)
    for (let first = 0; first < keys.length; first += WALK_ROWS) {
      const log = this.#running()
      const found = keys.slice(first, first + WALK_ROWS).flatMap(key => {
        const row = rows.get(key)
        return row === undefined ? [] : [{ key, ...row }]
      })
      const addresses = found.map(row => row.address)
      const values = await this.#fetch(log, { addresses, lengths: found.map(row => row.length) })
      for (const [index, { key }] of found.entries()) {
        this.assertRunning()
        const value = values[index]
        if (value !== undefined) yield [key, value]
      }
    }
  }

  /** Names of the tables that have rows. */
  tables(): readonly string[] {
    const tables = [...this.#running().catalog.tables.values()]
    return tables.filter(({ rows }) => rows.size > 0).map(({ name }) => name)
  }

  usage(): StoreUsage {
    return { bytes: this.#running().catalog.live, quota: this.#options.quota }
  }

  protected async onStart(): Promise<void> {
    this.#log = await OpenLog.open(this.#options, findings => this.emit('findings', findings))
  }

  protected async onStop(): Promise<void> {
    const log = this.#log
    this.#log = undefined
    await log?.close()
  }

  #running(): OpenLog {
    this.assertRunning()
    return this.#log!
  }

  /** Fetches, and reports what is damaged. */
  async #fetch(log: OpenLog, places: Places): Promise<Fetched> {
    try {
      const fetched = await log.reader.fetch(places)
      if (fetched.includes(undefined)) log.damaged(places.addresses.filter((_, index) => fetched[index] === undefined))
      return fetched
    } catch (error) {
      throw mediumError(error, this.#options.path)
    }
  }
}

/** Entries whose payloads are still to be fetched. */
interface Batch extends Places {
  readonly positions: number[]
  readonly expiries: number[]
  readonly addresses: Address[]
  readonly lengths: number[]
}

function selectEntries(queue: LogQueue, from: number, range: QueueRead): Batch {
  const { limit = READ_DEFAULTS.limit, maxBytes = READ_DEFAULTS.maxBytes } = range
  const batch: Batch = { positions: [], expiries: [], addresses: [], lengths: [] }
  let bytes = 0
  queue.visit(from, (address, packed, position, expiresAt) => {
    const length = lengthOf(packed)
    bytes += length
    const count = batch.positions.length
    if (count === limit || (bytes > maxBytes && count > 0)) return false
    batch.positions.push(position)
    batch.expiries.push(expiresAt)
    batch.addresses.push(address)
    batch.lengths.push(length)
    return true
  })
  return batch
}

/** What is damaged is left out. */
function entriesOf({ positions, expiries }: Batch, fetched: Fetched): QueueEntry[] {
  const entries: QueueEntry[] = []
  for (let i = 0; i < positions.length; i++) {
    const payload = fetched[i]
    if (payload === undefined) continue
    const expiresAt = expiries[i]!
    entries.push({ position: positions[i]!, payload, expiresAt: expiresAt === Infinity ? undefined : expiresAt })
  }
  return entries
}

/** Settles which positions are meant: nothing that is appended from now on. */
function resolveRemoval({ catalog }: OpenLog, { queue: name, from = 0, through }: StoreRemoval): Removal[] {
  const queue = catalog.queues.get(name)
  if (queue === undefined) return []
  const run = { from: Math.max(from, 0), through: Math.min(through, queue.next - 1) }
  return run.from > run.through ? [] : [{ queue, ...run, count: 0 }]
}

function addedBytes(appends: readonly StoreAppend[]): number {
  let bytes = 0
  for (const { payload, queues } of appends) if (queues.length > 0) bytes += payload.byteLength + OVERHEAD_BYTES
  return bytes
}
