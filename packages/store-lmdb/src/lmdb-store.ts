import {
  assertStoreChange,
  EdgewrightError,
  type Logger,
  type QueueEntry,
  type QueueRead,
  type QueueState,
  Service,
  type Store,
  type StoreChange,
  type StoreUsage,
  silentLogger,
} from '@edgewright/core'
import { type Catalog, readCatalog } from './catalog.js'
import { Draft, ROW_OVERHEAD_BYTES } from './draft.js'
import { type Environment, openEnvironment } from './environment.js'
import { decodeEntry, entryKey, MAX_POSITION, numberKey, positionOf, rowKey, rowName } from './layout.js'

/** How an {@link LmdbStore} behaves. */
export interface LmdbStoreOptions {
  /** The folder of the LMDB environment; made when it does not exist. */
  readonly path: string
  /** Bytes from which on appends are refused. @default none */
  readonly quota?: number | undefined
  /** @default says nothing */
  readonly logger?: Logger | undefined
}

/** What `QueueRead` leaves open. */
const READ_DEFAULTS = Object.freeze({ limit: 256, maxBytes: 1_048_576 })

/** Rows fetched at a time by a walk over a table. */
const WALK_CHUNK = 256

/** A write that waits for a transaction to take it. */
interface Waiting {
  readonly apply: (draft: Draft) => void
  /** Whether it is refused first when the medium is full. */
  readonly onlyAdds: boolean
  /** What it adds at most to the bytes of the store. */
  readonly added: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Queues and tables in LMDB, for those who prefer a database: one transaction and one sync for all writes that
 * gathered while the last one was on its way.
 *
 * The file keeps the size it once reached. LMDB has no checksums: what the medium corrupts is not noticed.
 *
 * @throws `STORE_IN_USE`, `STORE_DAMAGED` on start
 */
export class LmdbStore extends Service implements Store {
  readonly #options: LmdbStoreOptions
  readonly #logger: Logger
  #opened: { readonly environment: Environment; readonly catalog: Catalog } | undefined
  #waiting: Waiting[] = []
  /** Bytes that all writes without an answer add at most. */
  #unanswered = 0
  #committing: Promise<void> | undefined

  constructor(options: LmdbStoreOptions) {
    super()
    this.#options = options
    this.#logger = options.logger ?? silentLogger
  }

  async write(change: StoreChange): Promise<void> {
    this.assertRunning()
    assertStoreChange(change)
    const added = addedBytes(change)
    const onlyAdds = (change.append?.length ?? 0) > 0 && !change.remove?.length
    if (onlyAdds) this.#assertRoom(added)
    await this.#enqueue(draft => draft.apply(change), onlyAdds, added)
  }

  async read(queue: string, range: QueueRead = {}): Promise<readonly QueueEntry[]> {
    const { environment, catalog } = this.#running()
    const found = catalog.queues.get(queue)
    return found === undefined ? [] : readEntries(environment, found.id, range)
  }

  queue(queue: string): QueueState {
    const { catalog } = this.#running()
    return catalog.queues.get(queue)?.state ?? { queue, length: 0, bytes: 0, head: 0, next: 0 }
  }

  queues(prefix = ''): readonly QueueState[] {
    const { catalog } = this.#running()
    const found = [...catalog.queues.values()].filter(({ name, length }) => length > 0 && name.startsWith(prefix))
    return found.map(queue => queue.state)
  }

  async removeExpired(now: number): Promise<readonly { readonly queue: string; readonly count: number }[]> {
    this.assertRunning()
    let counts = new Map<string, number>()
    const remove = (draft: Draft): void => {
      counts = draft.removeExpired(now)
    }
    await this.#enqueue(remove, false, 0)
    return Array.from(counts, ([queue, count]) => ({ queue, count }))
  }

  async get(table: string, key: string): Promise<Uint8Array | undefined> {
    const { environment, catalog } = this.#running()
    const id = catalog.tables.get(table)
    return id === undefined ? undefined : environment.rows.get(rowKey(id, key))
  }

  async *entries(table: string, prefix = ''): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    const id = this.#running().catalog.tables.get(table)
    if (id === undefined) return
    let start = rowKey(id, prefix)
    for (;;) {
      const { rows } = this.#running().environment
      const chunk = [...rows.getRange({ start, end: rowKey(id + 1, ''), limit: WALK_CHUNK })]
      for (const { key, value } of chunk) {
        this.assertRunning()
        const name = rowName(key)
        if (!name.startsWith(prefix)) return
        yield [name, value]
      }
      if (chunk.length < WALK_CHUNK) return
      start = Buffer.concat([chunk.at(-1)!.key, Buffer.alloc(1)])
    }
  }

  usage(): StoreUsage {
    return { bytes: this.#running().catalog.bytes, quota: this.#options.quota }
  }

  protected async onStart(): Promise<void> {
    const environment = await openEnvironment(this.#options.path)
    this.#opened = { environment, catalog: readCatalog(environment) }
  }

  protected async onStop(): Promise<void> {
    await this.#committing
    const environment = this.#opened?.environment
    this.#opened = undefined
    await environment?.close()
  }

  #running(): { readonly environment: Environment; readonly catalog: Catalog } {
    this.assertRunning()
    return this.#opened!
  }

  #assertRoom(added: number): void {
    const { quota } = this.#options
    const { bytes } = this.#opened!.catalog
    if (quota === undefined || bytes + this.#unanswered + added <= quota) return
    throw new EdgewrightError('STORE_FULL', `The store holds ${bytes} of ${quota} bytes`, {
      place: this.#options.path,
      remedy: 'Raise the quota, or wait until what waits is delivered.',
    })
  }

  #enqueue(apply: Waiting['apply'], onlyAdds: boolean, added: number): Promise<void> {
    this.#unanswered += added
    this.#committing ??= this.#commitAll()
    return new Promise((resolve, reject) => this.#waiting.push({ apply, onlyAdds, added, resolve, reject }))
  }

  async #commitAll(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#commitWaiting()
    this.#committing = undefined
  }

  async #commitWaiting(): Promise<void> {
    let taken: Waiting[] = []
    const takeAll = (): readonly Waiting[] => {
      taken = this.#waiting
      this.#waiting = []
      return taken
    }
    try {
      await this.#commit(takeAll)
      for (const { resolve } of taken) resolve()
    } catch (error) {
      await this.#commitWithoutAppends(taken, failure(error, this.#options.path))
    } finally {
      for (const { added } of taken) this.#unanswered -= added
    }
  }

  /** When the medium takes no more, what gives room must not fail with what takes it. */
  async #commitWithoutAppends(taken: readonly Waiting[], refusal: EdgewrightError): Promise<void> {
    this.#logger.log('error', 'store refused a change', { error: refusal, cause: refusal.cause })
    const others = taken.filter(({ onlyAdds }) => !onlyAdds)
    let answer: ((waiting: Waiting) => void) | undefined
    try {
      if (others.length > 0 && others.length < taken.length) {
        await this.#commit(() => others)
        answer = waiting => (waiting.onlyAdds ? waiting.reject(refusal) : waiting.resolve())
      }
    } catch (error) {
      this.#logger.log('error', 'store refused a change', { error })
    }
    for (const waiting of taken) answer === undefined ? waiting.reject(refusal) : answer(waiting)
  }

  async #commit(take: () => readonly Waiting[]): Promise<void> {
    const { environment, catalog } = this.#opened!
    const draft = new Draft(environment, catalog)
    await environment.root.childTransaction(() => {
      for (const { apply } of take()) apply(draft)
      draft.finish()
    })
    draft.accept()
  }
}

function readEntries({ entries, payloads }: Environment, queue: number, range: QueueRead): readonly QueueEntry[] {
  const { from = 0, limit = READ_DEFAULTS.limit, maxBytes = READ_DEFAULTS.maxBytes } = range
  const found: QueueEntry[] = []
  let bytes = 0
  for (const { key, value } of entries.getRange({
    start: entryKey(queue, from),
    end: entryKey(queue, MAX_POSITION),
    limit,
  })) {
    const { expiresAt, length, shared, payload: inline } = decodeEntry(value)
    bytes += length
    if (bytes > maxBytes && found.length > 0) break
    const payload = shared === 0 ? inline : payloads.get(numberKey(shared))!
    const position = positionOf(key)
    found.push(expiresAt === undefined ? { position, payload } : { position, payload, expiresAt })
  }
  return found
}

function addedBytes({ append = [], put = [] }: StoreChange): number {
  let bytes = 0
  for (const { payload, queues } of append) if (queues.length > 0) bytes += payload.byteLength + ROW_OVERHEAD_BYTES
  for (const { value } of put) bytes += (value?.byteLength ?? 0) + ROW_OVERHEAD_BYTES
  return bytes
}

/** LMDB's own code for a full map, and what it says when the file system has no room. */
const FULL = /MDB_MAP_FULL|ENOSPC|No space left/

function failure(cause: unknown, place: string): EdgewrightError {
  const text =
    cause instanceof Error
      ? `${cause.message} ${(cause as { commitError?: unknown }).commitError ?? ''}`
      : String(cause)
  if (FULL.test(text)) {
    return new EdgewrightError('STORE_FULL', 'The medium is full', {
      place,
      remedy: 'Make room on the file system.',
      cause,
    })
  }
  return new EdgewrightError('STORE_FAILED', 'LMDB could not commit', {
    place,
    remedy: 'Check the medium; the store goes on trying with each change.',
    cause,
  })
}
