import type { Position, StoreAppend, StorePut } from '@edgewright/core'
import type { Address } from '../catalog/address.js'
import type { Carried, Catalog } from '../catalog/catalog.js'
import type { LogQueue } from '../catalog/log-queue.js'
import type { LogTable, Row } from '../catalog/log-table.js'
import type { Segment } from '../catalog/segment.js'

/** Entries to be removed; the positions were settled when it was asked for. */
export interface Removal {
  readonly queue: LogQueue
  readonly from: Position
  through: Position
  /** How many went, once it is done. */
  count: number
}

/** A row as it is to be. */
export interface RowChange {
  readonly table: LogTable
  readonly key: string
  readonly row: Row | undefined
  /** Do so only if the row lies there still. */
  readonly ifAt?: Address
}

/** What is to become durable together. */
export interface Change {
  readonly appends: readonly StoreAppend[]
  readonly removals: readonly Removal[]
  readonly puts: readonly StorePut[]
}

/** A change on its way: what is to be done when it is durable, and who waits for that. */
export interface Write {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  readonly removals: readonly Removal[]
  readonly rows: RowChange[]
  readonly carried: readonly Carried[]
  /** What is tried once more when the group fails, without those that have nothing here: what only adds. */
  again: Change | undefined
}

/** Where a queue stands when a group is durable. */
interface Mark {
  readonly queue: LogQueue
  readonly next: Position
  readonly pushedLength: number
  readonly pushedBytes: number
}

/** All changes that become durable with one sync. */
export class Group {
  readonly writes: Write[] = []
  readonly #queues: LogQueue[] = []
  readonly #declared: (LogQueue | LogTable)[] = []
  #marks: Mark[] = []
  /** Where its last record ends, once it is closed. */
  end: Address

  constructor(
    readonly number: number,
    readonly segment: Segment,
    /** Where its first record lies. */
    readonly start: Address,
  ) {
    this.end = start
  }

  /** An entry of this group was put into a queue. */
  touch(queue: LogQueue): void {
    if (queue.lastGroup === this.number) return
    queue.lastGroup = this.number
    this.#queues.push(queue)
  }

  declare(named: LogQueue | LogTable): void {
    named.declared = 'pending'
    this.#declared.push(named)
  }

  /** Nothing more will be put in: remembers where the queues stand, while the next group goes on with them. */
  close(end: Address): void {
    this.end = end
    this.#marks = this.#queues.map(queue => {
      const { next, pushedLength, pushedBytes } = queue
      return { queue, next, pushedLength, pushedBytes }
    })
  }

  /** It is durable: readers see it. */
  settle(catalog: Catalog): void {
    for (const { queue, next, pushedLength, pushedBytes } of this.#marks) queue.reveal(next, pushedLength, pushedBytes)
    for (const named of this.#declared) named.declared = 'durable'
    for (const { removals, rows, carried } of this.writes) {
      for (const removal of removals) removal.count = removal.queue.remove(removal, catalog.release)
      for (const { table, key, row, ifAt } of rows) {
        if (ifAt === undefined || table.rows.get(key)?.address === ifAt) catalog.setRow(table, key, row)
      }
      for (const moved of carried) catalog.relocate(moved)
    }
  }

  /** Everything that knows of this group forgets it. */
  rollback(release: Parameters<LogQueue['rollback']>[0]): void {
    for (const queue of this.#queues) queue.rollback(release)
    for (const named of this.#declared) if (named.declared === 'pending') named.declared = 'no'
  }
}
