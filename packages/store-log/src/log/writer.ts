import { randomBytes } from 'node:crypto'
import type { StoreAppend, StorePut } from '@edgewright/core'
import { type Address, addressOf, offsetOf, packPayload } from '../catalog/address.js'
import type { Carried, Catalog } from '../catalog/catalog.js'
import { snapshotOf } from '../catalog/describe-catalog.js'
import type { LogQueue } from '../catalog/log-queue.js'
import type { LogTable } from '../catalog/log-table.js'
import { Segment } from '../catalog/segment.js'
import type { Reference } from '../format/items.js'
import { encodeSnapshot } from '../format/snapshot.js'
import { Encoder } from './encoder.js'
import { type Change, Group, type RowChange, type Write } from './group.js'
import type { LogFile } from './log-file.js'
import type { Tail } from './tail.js'

/** A group is closed when it has become so long, while another is on its way. */
const MAX_GROUP_BYTES = 16_777_216

/** A segment of which nothing is wanted is left when it has reached this part of its size: so it can go. */
const DEAD_PART = 1 / 4

/** A payload that is to be written once more, with who refers to it. */
export interface Straggler {
  readonly references: readonly Reference[]
  readonly address: Address
  readonly bytes: Uint8Array
}

/** A row whose value is to be written once more. */
export interface StragglingRow {
  readonly table: LogTable
  readonly key: string
  readonly address: Address
  readonly bytes: Uint8Array
}

/** What a writer tells the store about. */
export interface WriterEvents {
  /** A group is durable and can be seen. */
  durable(changes: number, bytes: number): void
  /** A segment will not be written to any more, and the next one has begun. */
  sealed(segment: Segment, next: Segment): void
  /** A group could not be written. @returns what those get to hear who are refused */
  failed(error: unknown): Promise<Error>
}

/**
 * Group commit. Changes are encoded into the tail of the log the moment they are given, and become durable with one
 * write and one sync for all that gathered while the last sync was on its way.
 */
export class Writer {
  /** Groups in order: the first is being written, the last is open. */
  readonly #groups: Group[] = []
  readonly #encoder: Encoder
  /** Queues of the append being written. Kept, and never shortened, so that no append needs an array. */
  readonly #targets: LogQueue[] = []
  #running: Promise<void> | undefined
  #lastGroup = 0

  constructor(
    readonly catalog: Catalog,
    readonly tail: Tail,
    readonly file: LogFile,
    readonly segmentBytes: number,
    readonly events: WriterEvents,
  ) {
    const { segment } = file
    const start = addressOf(segment.number, segment.size)
    tail.restart(start)
    this.#encoder = new Encoder(tail, segment)
    this.#openGroup(segment, start)
  }

  /** Resolves when the change is durable and can be seen. */
  write(change: Change): Promise<void> {
    const { appends, removals } = change
    const again = appends.length > 0 && removals.length === 0 ? undefined : change
    return new Promise((resolve, reject) => {
      this.#encode({ resolve, reject, removals, rows: [], carried: [], again }, change)
    })
  }

  /** Writes payloads and rows once more; those that were removed meanwhile are left out. */
  carry(stragglers: readonly Straggler[], rows: readonly StragglingRow[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const carried = stragglers.flatMap(straggler => this.#carry(straggler))
      const moved = rows.flatMap(row => this.#carryRow(row))
      this.#encoder.endChange()
      this.#submit({ resolve, reject, removals: [], rows: moved, carried, again: undefined })
    })
  }

  /** Resolves when all that was given is answered. */
  async idle(): Promise<void> {
    await this.#running
  }

  /**
   * Ends the log with a record that says: all before it was durable. So a damaged byte cannot pass for a torn end. When
   * it cannot be written the store opens as after a crash.
   */
  async close(): Promise<void> {
    await this.idle()
    this.#encoder.fence()
    await this.#commit(this.#closeGroup()).catch(() => this.file.discard().catch(() => undefined))
    await this.file.close()
  }

  #encode(write: Write, { appends, removals, puts }: Change): void {
    for (const { queue, from, through } of removals) if (from <= through) this.#encoder.remove(queue.id, from, through)
    for (const append of appends) this.#append(append)
    for (const put of puts) write.rows.push(this.#put(put))
    this.#encoder.endChange()
    this.#submit(write)
  }

  #submit(write: Write): void {
    const group = this.#open
    group.writes.push(write)
    if (this.tail.end - group.start > MAX_GROUP_BYTES) this.#closeGroup()
    this.#running ??= this.#run()
  }

  #append({ payload, queues }: StoreAppend): void {
    if (queues.length === 0) return
    const targets = this.#targets
    const group = this.#open
    for (let i = 0; i < queues.length; i++) {
      const queue = this.catalog.queueNamed(queues[i]!.queue)
      if (queue.declared === 'no') {
        this.#encoder.declareQueue(queue)
        group.declare(queue)
      }
      group.touch(queue)
      targets[i] = queue
    }
    this.#encoder.append(targets, queues, payload)
  }

  #put({ table: name, key, value }: StorePut): RowChange {
    const table = this.catalog.tableNamed(name)
    if (table.declared === 'no') {
      this.#encoder.declareTable(table)
      this.#open.declare(table)
    }
    if (value !== undefined) return { table, key, row: this.#encoder.put(table.id, key, value) }
    this.#encoder.delete(table.id, key)
    return { table, key, row: undefined }
  }

  #carry({ references, address, bytes }: Straggler): Carried[] {
    const wanted = references.filter(({ queue, position }) => {
      return this.catalog.queueOf(queue)?.addressOf(position) === address
    })
    if (wanted.length === 0) return []
    const to = this.#encoder.carry(wanted, bytes)
    const payload = packPayload(this.#encoder.segment.nextPayload(), bytes.byteLength)
    return [{ references: wanted, from: address, to, payload }]
  }

  #carryRow({ table, key, address, bytes }: StragglingRow): RowChange[] {
    if (table.rows.get(key)?.address !== address) return []
    return [{ table, key, row: this.#encoder.carryRow(address, table.id, key, bytes), ifAt: address }]
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    while (this.#groups[0]!.writes.length > 0) {
      const group = this.#groups.length > 1 ? this.#groups[0]! : this.#closeGroup()
      const failure = await this.#commit(group).catch(error => error ?? new Error('unknown'))
      if (failure === undefined) this.#settle(group)
      else await this.#fail(failure)
    }
    this.#running = undefined
  }

  async #commit(group: Group): Promise<void> {
    const { segment, start, end } = group
    if (end === start) return
    if (segment !== this.file.segment) await this.#beginSegment(segment)
    await this.file.append(this.tail.slices(start, end), start)
    segment.size = offsetOf(end)
  }

  async #beginSegment(segment: Segment): Promise<void> {
    const last = this.file.segment
    await this.file.begin(segment, encodeSnapshot(snapshotOf(this.catalog, segment), segment))
    last.seal()
    this.events.sealed(last, segment)
  }

  #settle(group: Group): void {
    this.#groups.shift()
    group.settle(this.catalog)
    this.tail.trim(group.end)
    this.events.durable(group.writes.length, group.end - group.start)
    for (const { resolve } of group.writes) resolve()
  }

  /** Nothing that was on its way has happened. What removes or puts is tried once more, without what only adds. */
  async #fail(error: unknown): Promise<void> {
    const failed = this.#groups.splice(0)
    for (const group of failed) group.rollback(this.catalog.release)
    for (const { segment } of failed) if (segment !== this.file.segment) this.catalog.removeSegment(segment)
    this.#restart()
    const refused: Write[] = []
    for (const write of failed.flatMap(group => group.writes)) {
      if (write.again === undefined) refused.push(write)
      else this.#encodeAgain(write, write.again)
    }
    await this.file.discard().catch(() => undefined)
    const refusal = await this.events.failed(error)
    for (const { reject } of refused) reject(refusal)
  }

  /** Positions that were taken back will be given to others, whom a removal given before must not touch. */
  #encodeAgain(write: Write, change: Change): void {
    write.again = undefined
    write.rows.length = 0
    for (const removal of change.removals) removal.through = Math.min(removal.through, removal.queue.next - 1)
    this.#encode(write, change)
  }

  #restart(): void {
    const last = this.file.segment
    last.dropRecords(last.size)
    const segment = this.file.isAbandoned ? this.#newSegment() : last
    const start = addressOf(segment.number, segment.size)
    this.tail.restart(start)
    this.#openGroup(segment, start)
  }

  get #open(): Group {
    return this.#groups[this.#groups.length - 1]!
  }

  /** Closes the open group and opens the next, in a new segment when this one is long enough. */
  #closeGroup(): Group {
    const group = this.#open
    group.close(this.tail.end)
    const { segment } = group
    const length = offsetOf(group.end)
    const isDead = segment.wanted === 0 && length >= this.segmentBytes * DEAD_PART
    if (length < this.segmentBytes && !isDead) this.#openGroup(segment, group.end)
    else {
      const next = this.#newSegment()
      this.tail.begin(addressOf(next.number, next.size))
      this.#openGroup(next, this.tail.end)
    }
    return group
  }

  #openGroup(segment: Segment, start: Address): void {
    this.#encoder.beginGroup(segment)
    this.#groups.push(new Group(++this.#lastGroup, segment, start))
  }

  #newSegment(): Segment {
    const segment = new Segment(Math.max(...this.catalog.segments.keys()) + 1, randomBytes(4).readUInt32LE())
    this.catalog.segments.set(segment.number, segment)
    return segment
  }
}
