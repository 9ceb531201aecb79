import type { Startable } from '../lifecycle.js'

/**
 * Where an entry stands in its queue: counts up from 0, never used twice, also not after a restart, as long as the medium
 * keeps what it was given. Numbers may be left out, as those of a change that was refused.
 */
export type Position = number

/** One payload for any number of queues. */
export interface StoreAppend {
  /** Kept once, however many queues refer to it. At most {@link MAX_PAYLOAD_BYTES}. */
  readonly payload: Uint8Array
  /** At most {@link MAX_REFERENCES}. */
  readonly queues: readonly QueueReference[]
}

/** One queue that gets a payload. */
export interface QueueReference {
  /** Any text of 1 to 1,024 bytes; the queue is made when it does not exist. */
  readonly queue: string
  /** Milliseconds since 1970 from when on nobody wants the entry; absent: never. */
  readonly expiresAt?: number | undefined
}

/** Entries that are done with. Touches nothing that the same change, or a later one, appends. */
export interface StoreRemoval {
  readonly queue: string
  /** First position to remove; the head of the queue by default, which is the cheap case. */
  readonly from?: Position | undefined
  /** Last position to remove, `Infinity` for all. Positions that are gone already are no error. */
  readonly through: Position
}

/** One row of a table, written or (without a value) deleted. */
export interface StorePut {
  /** Any text of 1 to 1,024 bytes; the table is made when it does not exist. */
  readonly table: string
  /** Any text of 1 to 1,024 bytes. */
  readonly key: string
  /** Absent to delete. At most {@link MAX_PAYLOAD_BYTES}. */
  readonly value?: Uint8Array | undefined
}

/**
 * What is to happen together or not at all: first the removals, then the appends, then the puts, each in order. The
 * store takes the arrays and buffers; do not change them afterwards. An empty change waits for all given before. All of
 * it together, with 32 bytes for each part and each reference, is at most {@link MAX_CHANGE_BYTES}.
 */
export interface StoreChange {
  readonly append?: readonly StoreAppend[] | undefined
  readonly remove?: readonly StoreRemoval[] | undefined
  readonly put?: readonly StorePut[] | undefined
}

/** One entry of a queue. The payload is shared: do not change it. */
export interface QueueEntry {
  readonly position: Position
  readonly payload: Uint8Array
  readonly expiresAt?: number | undefined
}

/** One queue as it stands. */
export interface QueueState {
  readonly queue: string
  /** Entries waiting. */
  readonly length: number
  /** Bytes of their payloads. */
  readonly bytes: number
  /** Position of the first waiting entry; equals `next` when there is none. */
  readonly head: Position
  /** Position that the next entry will get. */
  readonly next: Position
}

/** Which entries to read. */
export interface QueueRead {
  /** First position of interest; the head of the queue by default. */
  readonly from?: Position | undefined
  /** At most so many entries, at least 1. @default 256 */
  readonly limit?: number | undefined
  /** Stop after so many bytes of payload, but give at least one entry. @default 1 MiB */
  readonly maxBytes?: number | undefined
}

/** How full a store is. */
export interface StoreUsage {
  /**
   * Bytes of what is wanted: payloads that wait, each once, and rows, with what the adapter needs around them. What
   * an adapter has yet to give back to the medium is not in it; its own page says how much that can be.
   */
  readonly bytes: number
  /** What {@link bytes} may reach by appending; absent: no limit but the medium's. */
  readonly quota?: number | undefined
}

/**
 * Durable queues and tables.
 *
 * Promises, for every adapter (the conformance suite in testkit holds them):
 * - `write` resolves when the whole change is durable, and rejects when none of it is. Changes take effect in the
 *   order of the calls. Reads see a change whole or not at all, and at the latest when its promise resolves.
 * - Many calls share one sync (group commit): never wait for one write before giving the next.
 * - When the quota or the medium is full, changes are refused that append and remove nothing. Removing and putting go
 *   on, and so does moving, which is a change that removes as well as appends.
 * - After a crash, everything whose promise resolved is there, nothing half, and nothing whose promise rejected; of the
 *   changes without an answer yet, those that were given first.
 * - `stop` lets every change already given become durable. In any state but `running` the methods reject, or throw
 *   when they return no promise, with `NOT_RUNNING`.
 *
 * Errors: `STORE_FULL` (quota reached or medium full: nothing was taken, try again later), `STORE_IN_USE` (another
 * process has it), `STORE_DAMAGED` (cannot be opened without a repair), `STORE_FAILED` (the medium failed to take a
 * change: nothing was taken), `STORE_LIMIT` (a name, payload or change is too large, or a name cannot be kept),
 * `NOT_RUNNING`.
 */
export interface Store extends Startable {
  write(change: StoreChange): Promise<void>
  /** Entries in order of position. An entry removed meanwhile is left out; expired entries are given until removed. */
  read(queue: string, range?: QueueRead): Promise<readonly QueueEntry[]>
  /** One queue; length 0 for one that was never written. */
  queue(queue: string): QueueState
  /** Every queue with entries whose name starts with the prefix, in no particular order. */
  queues(prefix?: string): readonly QueueState[]
  /** Removes what expired by `now` (milliseconds since 1970); resolves, once durable, with what went, per queue. */
  removeExpired(now: number): Promise<readonly { readonly queue: string; readonly count: number }[]>
  /** A row, or undefined. Do not change it. */
  get(table: string, key: string): Promise<Uint8Array | undefined>
  /**
   * Rows of a table in order of key ({@link compareStoreKeys}), optionally only keys that start with the prefix. A row
   * written while the walk goes on comes with its old or its new value, and never twice.
   */
  entries(table: string, prefix?: string): AsyncIterable<readonly [key: string, value: Uint8Array]>
  usage(): StoreUsage
}

/** The most a payload or a row may hold: 16 MiB. */
export const MAX_PAYLOAD_BYTES = 16_777_216

/** The most that one change may hold: 64 MiB. */
export const MAX_CHANGE_BYTES = 67_108_864

/** The most queues that one payload may go to. */
export const MAX_REFERENCES = 10_000

/** The longest name of a queue or table, and the longest key, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 1_024
