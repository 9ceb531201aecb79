import { join } from 'node:path'
import { type ByteSize, parseByteSize } from '@edgewright/core'
import { LmdbStore, type LmdbStoreOptions } from '@edgewright/store-lmdb'
import { LogStore, type LogStoreOptions } from '@edgewright/store-log'
import { MemoryStore, type MemoryStoreOptions } from '@edgewright/store-memory'
import type { StorePart } from '../context.js'

/** How our own log is kept. */
export interface LogStorePartOptions extends Partial<Omit<LogStoreOptions, 'quota'>> {
  /** What the store may hold: bytes, or a text such as `2 GiB`. @default none */
  readonly quota?: ByteSize | undefined
}

/**
 * Our own segmented log: the default.
 *
 * @param options - `path` is `store` in the gateway's data folder by default
 * @throws `BYTE_SIZE_INVALID`
 */
export function logStore({ quota: size, ...options }: LogStorePartOptions = {}): StorePart {
  const quota = size === undefined ? undefined : parseByteSize(size)
  return ({ dataDir, clock, logger, meter }) =>
    new LogStore({ path: join(dataDir, 'store'), clock, logger, meter, quota, ...options })
}

/** An LMDB database. @param options - `path` is `store` in the gateway's data folder by default */
export function lmdbStore(options: Partial<LmdbStoreOptions> = {}): StorePart {
  return ({ dataDir, logger }) => new LmdbStore({ path: join(dataDir, 'store'), logger, ...options })
}

/** Memory: for tests, and for gateways that may lose what waits. */
export function memoryStore(options: MemoryStoreOptions = {}): StorePart {
  return ({ logger }) => new MemoryStore({ logger, ...options })
}

/** The store of a gateway that names none. */
export function defaultStore(): StorePart {
  return logStore()
}
