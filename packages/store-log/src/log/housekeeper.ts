import type { Logger } from '@edgewright/core'
import { type Address, addressOf, lengthOf } from '../catalog/address.js'
import type { Catalog } from '../catalog/catalog.js'
import { indexOf } from '../catalog/describe-catalog.js'
import type { Segment } from '../catalog/segment.js'
import type { FileSystem } from '../files/file-system.js'
import { filePath } from '../files/names.js'
import type { OpenFiles } from '../files/open-files.js'
import { writeWhole } from '../files/whole-file.js'
import type { Reference } from '../format/items.js'
import type { Reader } from './reader.js'
import type { Straggler, StragglingRow, Writer } from './writer.js'

/** Bytes that nobody wants may be this part of those that are wanted, beside two segments, before something is moved. */
const MAX_DEAD_PART = 1 / 2
const MAX_DEAD_SEGMENTS = 2

/** Of a segment that is moved this much is wanted at most. */
const MAX_LIVE_PART = 3 / 4

/** Bytes moved with one change. */
const MOVE_BYTES = 1_048_576

/** What a housekeeper works on. */
export interface Household {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly segmentBytes: number
  readonly catalog: Catalog
  readonly files: OpenFiles
  readonly reader: Reader
  readonly logger: Logger
  /** Whether the medium takes what can wait. */
  hasRoom(): boolean
  /** The medium has damaged what lies there. */
  damaged(addresses: readonly Address[]): void
}

/**
 * Gives back what nobody wants: deletes segments that are empty of it, and moves what is still wanted out of those that
 * mostly are. Works beside the writer and never in its way.
 */
export class Housekeeper {
  readonly #household: Household
  readonly #tasks = new Set<Promise<void>>()
  #snapshots: number[]
  #moving: Promise<void> | undefined
  #isStopping = false

  constructor(household: Household, snapshots: readonly number[]) {
    this.#household = household
    this.#snapshots = [...snapshots]
  }

  /** A segment will not be written to any more, and the next one has a snapshot before it. */
  sealed(segment: Segment, next: Segment | undefined): void {
    const { catalog, directory, fileSystem } = this.#household
    if (segment.wanted > 0) {
      const path = filePath(directory, 'index', segment.number)
      this.#do('an index', () => writeWhole(fileSystem, path, indexOf(catalog, segment)))
    }
    if (next === undefined) return
    this.#snapshots.push(next.number)
    for (const number of this.#snapshots.splice(0, this.#snapshots.length - 2)) {
      this.#do('a snapshot', () => fileSystem.remove(filePath(directory, 'snapshot', number)))
    }
  }

  /** Looks after everything, once a group is durable. */
  tidy(writer: Writer): void {
    const { catalog } = this.#household
    for (const segment of catalog.segments.values()) {
      if (segment.isSealed && segment.wanted === 0 && segment.pins === 0) this.#delete(segment)
    }
    if (!this.#isStopping && this.#household.hasRoom()) this.#moving ??= this.#startMoving(writer)
  }

  /** Moves nothing any more. Resolves when what was being moved has been. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#moving
  }

  /** Resolves when no file is being written or deleted. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }

  #delete(segment: Segment): void {
    const { catalog, directory, fileSystem, files } = this.#household
    catalog.removeSegment(segment)
    this.#do('a segment', async () => {
      const path = filePath(directory, 'segment', segment.number)
      await files.close(path)
      await fileSystem.remove(path)
      await fileSystem.remove(filePath(directory, 'index', segment.number))
    })
  }

  #startMoving(writer: Writer): Promise<void> | undefined {
    const segment = this.#deadest()
    if (segment === undefined) return undefined
    const moved = this.#move(segment, writer).catch(error => {
      this.#household.logger.log('warn', 'store could not move what is wanted', { segment: segment.number, error })
    })
    return moved.then(() => {
      this.#moving = undefined
    })
  }

  /** The segment that is to be moved, when too much of the whole is wanted no more. */
  #deadest(): Segment | undefined {
    const { catalog, segmentBytes } = this.#household
    const { live, size } = catalog
    if (size - live <= Math.max(MAX_DEAD_SEGMENTS * segmentBytes, live * MAX_DEAD_PART)) return undefined
    let deadest: Segment | undefined
    for (const segment of catalog.segments.values()) {
      if (!segment.isSealed || segment.live > segment.size * MAX_LIVE_PART) continue
      if (deadest === undefined || segment.live / segment.size < deadest.live / deadest.size) deadest = segment
    }
    return deadest
  }

  async #move(segment: Segment, writer: Writer): Promise<void> {
    const payloads = this.#wantedPayloads(segment)
    const addresses = [...payloads.keys()].sort((a, b) => a - b)
    for (let first = 0; first < addresses.length && !this.#isStopping; ) {
      const batch: Address[] = []
      for (let bytes = 0; first < addresses.length && bytes < MOVE_BYTES; first++) {
        batch.push(addresses[first]!)
        bytes += payloads.get(addresses[first]!)!.length
      }
      await this.#moveBatch(batch, payloads, writer)
    }
  }

  async #moveBatch(addresses: readonly Address[], wanted: ReadonlyMap<Address, Wanted>, writer: Writer): Promise<void> {
    const stragglers: Straggler[] = []
    const rows: StragglingRow[] = []
    const lengths = addresses.map(address => wanted.get(address)!.length)
    const fetched = await this.#household.reader.fetch({ addresses, lengths })
    for (const [index, address] of addresses.entries()) {
      const { references, row } = wanted.get(address)!
      const bytes = fetched[index]
      if (bytes === undefined) this.#household.damaged([address])
      else {
        if (references.length > 0) stragglers.push({ references, address, bytes })
        if (row !== undefined) rows.push({ ...row, address, bytes })
      }
    }
    await writer.carry(stragglers, rows)
  }

  #wantedPayloads(segment: Segment): Map<Address, Wanted> {
    const { catalog } = this.#household
    const [start, end] = [addressOf(segment.number, 0), addressOf(segment.number + 1, 0)]
    const wanted = new Map<Address, Wanted>()
    const at = (address: Address, length: number): Wanted => {
      const found = wanted.get(address) ?? { length, references: [] }
      wanted.set(address, found)
      return found
    }
    for (const queue of catalog.queues.values()) {
      queue.visitWithin(start, end, (address, payload, position, expiresAt) => {
        at(address, lengthOf(payload)).references.push({ queue: queue.id, position, expiresAt })
      })
    }
    for (const table of catalog.tables.values()) {
      for (const [key, { address, length }] of table.rows) {
        if (address >= start && address < end) at(address, length).row = { table, key }
      }
    }
    return wanted
  }

  #do(what: string, task: () => Promise<void>): void {
    const { logger } = this.#household
    const done = task()
      .catch(error => logger.log('warn', `store could not write or delete ${what}`, { error }))
      .then(() => {
        this.#tasks.delete(done)
      })
    this.#tasks.add(done)
  }
}

/** A payload or value that is wanted, and by whom. */
interface Wanted {
  readonly length: number
  readonly references: Reference[]
  row?: Pick<StragglingRow, 'table' | 'key'>
}
