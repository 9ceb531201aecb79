import type { QueueState } from '@edgewright/core'
import type { FileSystem } from '../files/file-system.js'
import { nodeFileSystem } from '../files/node-file-system.js'
import type { Finding } from '../findings.js'
import { recover } from '../recovery/recover.js'
import { lockStore } from './lock-store.js'

/** What a store holds. */
export interface StoreDescription {
  readonly path: string
  readonly queues: readonly QueueState[]
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly bytes: number }[]
  readonly segments: readonly {
    readonly segment: number
    readonly bytes: number
    /** Bytes of it that are wanted, and in how many payloads and rows. */
    readonly wantedBytes: number
    readonly wanted: number
  }[]
  readonly findings: readonly Finding[]
}

/**
 * Says what a store holds that is not in use, and changes nothing.
 *
 * @throws `STORE_IN_USE`; `STORE_DAMAGED` when a newer version has written it; `STORE_FAILED` when it cannot be read
 */
export async function describeStore(
  path: string,
  { fileSystem = nodeFileSystem }: { readonly fileSystem?: FileSystem } = {},
): Promise<StoreDescription> {
  const lock = await lockStore(fileSystem, path)
  try {
    const { catalog, findings } = await recover(fileSystem, path)
    const tables = Array.from(catalog.tables.values(), ({ name, rows }) => {
      const bytes = [...rows.values()].reduce((sum, row) => sum + row.length, 0)
      return { table: name, rows: rows.size, bytes }
    })
    const segments = Array.from(catalog.segments.values(), ({ number, size, live, wanted }) => {
      return { segment: number, bytes: size, wantedBytes: live, wanted }
    })
    return { path, queues: Array.from(catalog.queues.values(), queue => queue.state), tables, segments, findings }
  } finally {
    await lock.release()
  }
}

/** A description as text, a line for each queue, table and segment. */
export function formatDescription({ path, queues, tables, segments, findings }: StoreDescription): string {
  return [
    path,
    ...queues.map(({ queue, length, bytes, head, next }) => {
      return `queue ${queue}: ${length} entries, ${bytes} bytes, positions ${head} to ${next}`
    }),
    ...tables.map(({ table, rows, bytes }) => `table ${table}: ${rows} rows, ${bytes} bytes`),
    ...segments.map(({ segment, bytes, wantedBytes, wanted }) => {
      return `segment ${segment}: ${bytes} bytes, of them wanted ${wantedBytes} in ${wanted} payloads and rows`
    }),
    ...(findings.length === 0 ? [] : [`${findings.length} findings: verify the store`]),
  ].join('\n')
}
