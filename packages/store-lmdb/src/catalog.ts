import type { Environment, Rows } from './environment.js'
import { decodeNumber, decodeQueue, encodeNumber, entryKey, MAX_POSITION, positionOf } from './layout.js'
import { LmdbQueue } from './lmdb-queue.js'

const NEXT_NUMBER_KEY = Buffer.from('next')
const BYTES_KEY = Buffer.from('bytes')

/** What a store knows without asking LMDB: its queues and tables by name, and its counters. */
export interface Catalog {
  readonly queues: Map<string, LmdbQueue>
  /** Name of a table → its id. */
  readonly tables: Map<string, number>
  /** The next number for a queue, a table or a shared payload. */
  nextNumber: number
  /** Bytes of payloads, each once, and rows, with what stands around them. */
  bytes: number
}

/** Reads the catalog of an environment. */
export function readCatalog(environment: Environment): Catalog {
  const { queues, tables, meta } = environment
  const catalog: Catalog = {
    queues: new Map(),
    tables: new Map(),
    nextNumber: readNumber(meta, NEXT_NUMBER_KEY, 1),
    bytes: readNumber(meta, BYTES_KEY, 0),
  }
  for (const { key, value } of queues.getRange()) {
    const row = decodeQueue(value)
    const name = key.toString()
    catalog.queues.set(name, new LmdbQueue(name, row, firstPosition(environment.entries, row.id) ?? row.next))
  }
  for (const { key, value } of tables.getRange()) catalog.tables.set(key.toString(), decodeNumber(value))
  return catalog
}

/** Writes the counters; to be called within a transaction. */
export function writeCounters({ meta }: Environment, catalog: Pick<Catalog, 'nextNumber' | 'bytes'>): void {
  meta.put(NEXT_NUMBER_KEY, encodeNumber(catalog.nextNumber))
  meta.put(BYTES_KEY, encodeNumber(catalog.bytes))
}

/** Position of the first entry of a queue at or after `from`. */
export function firstPosition(entries: Rows, queue: number, from = 0): number | undefined {
  const range = { start: entryKey(queue, from), end: entryKey(queue, MAX_POSITION), limit: 1 }
  for (const key of entries.getKeys(range)) return positionOf(key)
  return undefined
}

function readNumber(meta: Rows, key: Buffer, otherwise: number): number {
  const value = meta.get(key)
  return value === undefined ? otherwise : decodeNumber(value)
}
