import { type Address, addressOf, type Payload, packPayload } from '../catalog/address.js'
import type { Catalog } from '../catalog/catalog.js'
import type { LogQueue } from '../catalog/log-queue.js'
import type { LogTable } from '../catalog/log-table.js'
import type { Segment } from '../catalog/segment.js'
import { type Extent, type ItemVisitor, type Reference, visitItems } from '../format/items.js'
import { RECORD_HEADER_BYTES } from '../format/record.js'

/** Learns from the records of a segment where payloads lie that a snapshot says are wanted; nothing else. */
export class Placement implements ItemVisitor {
  constructor(
    readonly catalog: Catalog,
    readonly segment: Segment,
  ) {}

  /** @returns false when there is something in the record that this version cannot read */
  record(bytes: Buffer, at: number, end: number): boolean {
    this.segment.addRecord(at)
    try {
      visitItems(bytes, at + RECORD_HEADER_BYTES, end, this)
      return true
    } catch (error) {
      if (error instanceof RangeError) return false
      throw error
    }
  }

  append(references: readonly Reference[], { offset, length }: Extent): void {
    const payload = packPayload(this.segment.nextPayload(), length)
    for (const reference of references) this.place(reference, this.addressOf(offset), payload)
  }

  carry(references: readonly Reference[], extent: Extent): void {
    Placement.prototype.append.call(this, references, extent)
  }

  queue(_id: number, _name: string): void {}
  table(_id: number, _name: string): void {}
  remove(_queue: number, _from: number, _through: number): void {}
  put(_table: number, _key: string, _value: Extent): void {}
  delete(_table: number, _key: string): void {}
  carryRow(_segment: number, _offset: number, _table: number, _key: string, _value: Extent): void {}

  protected addressOf(offset: number): Address {
    return addressOf(this.segment.number, offset)
  }

  /** Says where an entry lies, if it waits. */
  protected place({ queue, position, expiresAt }: Reference, address: Address, payload: Payload): void {
    this.catalog.place(queue, position, address, payload, expiresAt)
  }
}

/** Does to the catalog again what the records of a segment say. */
export class Replay extends Placement {
  /** Whether a row that was moved counts although nobody knows where it was before: when there is no snapshot. */
  restoresRows = false
  /** Of a change that is damaged, removals are left out: rather twice than never. */
  skipsRemovals = false

  override queue(id: number, name: string): void {
    const queue = this.catalog.queueOf(id) ?? this.catalog.addQueue(id, name)
    queue.declared = 'durable'
  }

  override table(id: number, name: string): void {
    const table = this.catalog.tableOf(id) ?? this.catalog.addTable(id, name)
    table.declared = 'durable'
  }

  override append(references: readonly Reference[], { offset, length }: Extent): void {
    const payload = packPayload(this.segment.nextPayload(), length)
    const address = this.addressOf(offset)
    for (const reference of references) {
      const queue = this.#queueOf(reference.queue)
      if (reference.position >= queue.next) {
        queue.expect({ from: reference.position, through: reference.position })
      }
      this.place(reference, address, payload)
    }
  }

  override remove(queue: number, from: number, through: number): void {
    if (!this.skipsRemovals) this.#queueOf(queue).remove({ from, through }, this.catalog.release)
  }

  override put(table: number, key: string, { offset, length }: Extent): void {
    this.catalog.setRow(this.#tableOf(table), key, { address: this.addressOf(offset), length })
  }

  override delete(table: number, key: string): void {
    if (!this.skipsRemovals) this.catalog.setRow(this.#tableOf(table), key, undefined)
  }

  override carryRow(segment: number, offset: number, tableId: number, key: string, value: Extent): void {
    const row = this.#tableOf(tableId).rows.get(key)
    const isWanted = row === undefined ? this.restoresRows : row.address === addressOf(segment, offset)
    if (isWanted) this.put(tableId, key, value)
  }

  /** What tells the name of a queue may be damaged: its entries are kept under a name that says so. */
  #queueOf(id: number): LogQueue {
    return this.catalog.queueOf(id) ?? this.catalog.addQueue(id, `damaged/${id}`)
  }

  #tableOf(id: number): LogTable {
    return this.catalog.tableOf(id) ?? this.catalog.addTable(id, `damaged/${id}`)
  }
}
