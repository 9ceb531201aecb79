import type { Clock, Logger, Meter } from '@edgewright/core'
import type { FileSystem } from './files/file-system.js'

/** How a log store behaves. */
export interface LogStoreOptions {
  /** The folder of the store; made when it does not exist. */
  readonly path: string
  /**
   * Bytes of what waits and of rows from which on appends are refused. The files may hold half as much again, and two
   * segments, before what nobody wants is given back; they seldom do, because queues empty from their heads.
   *
   * @default none
   */
  readonly quota?: number | undefined
  /** Bytes from which on a segment is full; 64 KiB to 32 MiB. @default 32 MiB, or an eighth of the quota */
  readonly segmentBytes?: number | undefined
  /** Bytes of the log's end that stay in memory, so that reading right behind the writers is quick. @default 8 MiB */
  readonly cacheBytes?: number | undefined
  /** Bytes kept on the medium, so that removing works when it is full. @default 1 MiB */
  readonly reserveBytes?: number | undefined
  /** Segments open for reading at a time. @default 16 */
  readonly openFiles?: number | undefined
  /** @default the machine's */
  readonly clock?: Clock | undefined
  /** @default says nothing */
  readonly logger?: Logger | undefined
  /** @default counts nothing that anybody reads */
  readonly meter?: Meter | undefined
  /** @default the machine's */
  readonly fileSystem?: FileSystem | undefined
}

/** What `LogStoreOptions` leaves open. */
export const LOG_STORE_DEFAULTS = Object.freeze({
  segmentBytes: 33_554_432,
  cacheBytes: 8_388_608,
  reserveBytes: 1_048_576,
  openFiles: 16,
})

/** What a segment holds at least. */
const MIN_SEGMENT_BYTES = 65_536

/** Parts of a quota that a segment may be. */
const SEGMENTS_OF_A_QUOTA = 8

/** The size of a segment, so that a small quota has several and none outgrows its address. */
export function segmentBytesOf({ segmentBytes, quota }: Pick<LogStoreOptions, 'segmentBytes' | 'quota'>): number {
  const wanted = segmentBytes ?? Math.min(LOG_STORE_DEFAULTS.segmentBytes, (quota ?? Infinity) / SEGMENTS_OF_A_QUOTA)
  return Math.min(Math.max(wanted, MIN_SEGMENT_BYTES), LOG_STORE_DEFAULTS.segmentBytes)
}
