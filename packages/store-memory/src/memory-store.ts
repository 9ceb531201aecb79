import {
  assertStoreChange,
  compareStoreKeys,
  EdgewrightError,
  type Logger,
  type QueueEntry,
  type QueueRead,
  type QueueState,
  Service,
  type Store,
  type StoreChange,
  type StorePut,
  type StoreUsage,
  silentLogger,
} from '@edgewright/core'
import { MemoryQueue, type SharedPayload } from './memory-queue.js'
import { restoreSnapshot, saveSnapshot } from './snapshot.js'

/** How a {@link MemoryStore} behaves. */
export interface MemoryStoreOptions {
  /** Bytes of payloads and rows from which on appends are refused. @default none */
  readonly quota?: number | undefined
  /**
   * File to write everything to on `stop` and to read it from on `start`, after which it is deleted: what is restored
   * once must not come again after a crash. @default none: nothing outlives `stop`
   */
  readonly snapshotPath?: string | undefined
  /** @default says nothing */
  readonly logger?: Logger | undefined
}

type Table = Map<string, Uint8Array>

/**
 * Queues and tables in memory: for tests, for gateways that may lose what waits, and as the adapter to read first.
 *
 * "Durable" means "in memory" here. With a snapshot everything outlives an orderly `stop`, never a crash.
 *
 * @throws `STORE_DAMAGED` on start when the snapshot cannot be read
 */
export class MemoryStore extends Service implements Store {
  readonly #options: MemoryStoreOptions
  readonly #logger: Logger
  #queues = new Map<string, MemoryQueue>()
  #tables = new Map<string, Table>()
  #bytes = 0
  /** Whether what is in memory is all there is, and may take the place of an older snapshot. */
  #isComplete = false

  constructor(options: MemoryStoreOptions = {}) {
    super()
    this.#options = options
    this.#logger = options.logger ?? silentLogger
  }

  async write(change: StoreChange): Promise<void> {
    this.assertRunning()
    assertStoreChange(change)
    this.#assertRoom(change)
    for (const removal of change.remove ?? []) this.#queues.get(removal.queue)?.remove(removal, this.#released)
    for (const { payload, queues } of change.append ?? []) {
      if (queues.length === 0) continue
      const shared: SharedPayload = { bytes: payload, references: 0 }
      this.#bytes += payload.byteLength
      for (const { queue, expiresAt } of queues) this.#queueFor(queue).append(shared, expiresAt)
    }
    for (const put of change.put ?? []) this.#put(put)
  }

  async read(queue: string, range: QueueRead = {}): Promise<readonly QueueEntry[]> {
    this.assertRunning()
    return this.#queues.get(queue)?.read(range) ?? []
  }

  queue(queue: string): QueueState {
    this.assertRunning()
    return this.#queues.get(queue)?.state ?? new MemoryQueue(queue).state
  }

  queues(prefix = ''): readonly QueueState[] {
    this.assertRunning()
    const states = Array.from(this.#queues.values(), queue => queue.state)
    return states.filter(state => state.length > 0 && state.queue.startsWith(prefix))
  }

  async removeExpired(now: number): Promise<readonly { readonly queue: string; readonly count: number }[]> {
    this.assertRunning()
    const gone = Array.from(this.#queues.values(), queue => ({
      queue: queue.name,
      count: queue.removeExpired(now, this.#released),
    }))
    return gone.filter(({ count }) => count > 0)
  }

  async get(table: string, key: string): Promise<Uint8Array | undefined> {
    this.assertRunning()
    return this.#tables.get(table)?.get(key)
  }

  async *entries(table: string, prefix = ''): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    this.assertRunning()
    const rows = this.#tables.get(table) ?? new Map<string, Uint8Array>()
    const keys = [...rows.keys()].filter(key => key.startsWith(prefix)).sort(compareStoreKeys)
    for (const key of keys) {
      this.assertRunning()
      const value = rows.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  usage(): StoreUsage {
    this.assertRunning()
    return { bytes: this.#bytes, quota: this.#options.quota }
  }

  protected async onStart(): Promise<void> {
    const { snapshotPath } = this.#options
    const content = snapshotPath === undefined ? undefined : await restoreSnapshot(snapshotPath)
    this.#isComplete = true
    if (content === undefined) return
    this.#queues = content.queues
    this.#tables = content.tables
    this.#bytes = content.bytes
    this.#logger.log('info', 'store restored', { path: snapshotPath, bytes: content.bytes })
  }

  protected async onStop(): Promise<void> {
    const { snapshotPath } = this.#options
    try {
      if (this.#isComplete && snapshotPath !== undefined) await saveSnapshot(snapshotPath, this.#queues, this.#tables)
    } finally {
      this.#isComplete = false
      this.#queues = new Map()
      this.#tables = new Map()
      this.#bytes = 0
    }
  }

  readonly #released = (payload: SharedPayload): void => {
    this.#bytes -= payload.bytes.byteLength
  }

  #assertRoom(change: StoreChange): void {
    const { quota } = this.#options
    if (quota === undefined || change.append === undefined || (change.remove?.length ?? 0) > 0) return
    const added = change.append.reduce((sum, { payload, queues }) => sum + (queues.length && payload.byteLength), 0)
    if (added === 0 || this.#bytes + added <= quota) return
    throw new EdgewrightError('STORE_FULL', `The store holds ${this.#bytes} of ${quota} bytes`, {
      remedy: 'Raise the quota, or wait until what waits is delivered.',
    })
  }

  #queueFor(name: string): MemoryQueue {
    let queue = this.#queues.get(name)
    if (queue === undefined) this.#queues.set(name, (queue = new MemoryQueue(name)))
    return queue
  }

  #put({ table, key, value }: StorePut): void {
    let rows = this.#tables.get(table)
    if (rows === undefined) this.#tables.set(table, (rows = new Map()))
    const old = rows.get(key)
    if (old !== undefined) this.#bytes -= rowBytes(key, old)
    if (value === undefined) rows.delete(key)
    else {
      rows.set(key, value)
      this.#bytes += rowBytes(key, value)
    }
  }
}

function rowBytes(key: string, value: Uint8Array): number {
  return Buffer.byteLength(key) + value.byteLength
}
