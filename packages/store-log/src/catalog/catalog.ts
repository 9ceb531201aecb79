import type { Position } from '@edgewright/core'
import type { Address, Payload } from './address.js'
import { lengthOf, ordinalOf, segmentOf } from './address.js'
import type { Reference } from '../format/items.js'
import { LogQueue } from './log-queue.js'
import { LogTable, type Row } from './log-table.js'
import type { Segment } from './segment.js'

/** A payload that was written once more, further on. */
export interface Carried {
  readonly references: readonly Reference[]
  readonly from: Address
  readonly to: Address
  readonly payload: Payload
}

/** Everything the store knows without looking into a file. */
export class Catalog {
  readonly queues = new Map<string, LogQueue>()
  readonly tables = new Map<string, LogTable>()
  readonly segments = new Map<number, Segment>()
  readonly #queuesById = new Map<number, LogQueue>()
  readonly #tablesById = new Map<number, LogTable>()
  #nextId = 1
  #lastSegment: Segment | undefined

  queueNamed(name: string): LogQueue {
    return this.queues.get(name) ?? this.addQueue(this.#nextId, name)
  }

  addQueue(id: number, name: string): LogQueue {
    const queue = new LogQueue(id, name)
    this.queues.set(name, queue)
    this.#queuesById.set(id, queue)
    this.#nextId = Math.max(this.#nextId, id + 1)
    return queue
  }

  queueOf(id: number): LogQueue | undefined {
    return this.#queuesById.get(id)
  }

  tableNamed(name: string): LogTable {
    return this.tables.get(name) ?? this.addTable(this.#nextId, name)
  }

  addTable(id: number, name: string): LogTable {
    const table = new LogTable(id, name)
    this.tables.set(name, table)
    this.#tablesById.set(id, table)
    this.#nextId = Math.max(this.#nextId, id + 1)
    return table
  }

  tableOf(id: number): LogTable | undefined {
    return this.#tablesById.get(id)
  }

  /** The segment that holds an address; the one that was asked for last is at hand. */
  segmentAt(address: Address): Segment | undefined {
    const number = segmentOf(address)
    if (this.#lastSegment?.number !== number) this.#lastSegment = this.segments.get(number)
    return this.#lastSegment
  }

  removeSegment(segment: Segment): void {
    this.segments.delete(segment.number)
    if (this.#lastSegment === segment) this.#lastSegment = undefined
  }

  /** An entry wants its payload no more. */
  readonly release = (address: Address, payload: Payload): void => {
    this.segmentAt(address)?.release(ordinalOf(payload), lengthOf(payload))
  }

  /** Says where an entry lies, if it waits. */
  place(queue: number, position: Position, address: Address, payload: Payload, expiresAt: number): void {
    if (this.#queuesById.get(queue)?.relocate(position, address, payload, expiresAt, this.release) !== true) return
    this.segmentAt(address)?.retain(ordinalOf(payload), lengthOf(payload))
  }

  /** A payload lies elsewhere now, for those of its entries that still wait. */
  relocate({ references, from, to, payload }: Carried): void {
    for (const { queue: id, position, expiresAt } of references) {
      const queue = this.#queuesById.get(id)
      if (queue?.addressOf(position) === from) this.place(id, position, to, payload, expiresAt)
    }
  }

  /** Puts a row in place of the one that was there; undefined takes it out. */
  setRow(table: LogTable, key: string, row: Row | undefined): void {
    const old = table.rows.get(key)
    if (old !== undefined) this.segmentAt(old.address)?.releaseRow(old.length + key.length)
    if (row === undefined) table.rows.delete(key)
    else {
      table.rows.set(key, row)
      this.segmentAt(row.address)?.retainRow(row.length + key.length)
    }
  }

  /** Bytes of what is wanted. */
  get live(): number {
    let bytes = 0
    for (const segment of this.segments.values()) bytes += segment.live
    return bytes
  }

  /** Bytes of all segments. */
  get size(): number {
    let bytes = 0
    for (const segment of this.segments.values()) bytes += segment.size
    return bytes
  }
}
