import { basename } from 'node:path'
import { EdgewrightError } from '@edgewright/core'
import { addressOf, packPayload, SEGMENT_SPAN, segmentOf } from '../catalog/address.js'
import { Catalog } from '../catalog/catalog.js'
import { Segment } from '../catalog/segment.js'
import type { FileSystem } from '../files/file-system.js'
import { filePath, segmentsWith } from '../files/names.js'
import { readWhole } from '../files/whole-file.js'
import type { Finding } from '../findings.js'
import { decodeFileHeader, FILE_HEADER_BYTES, type FileType, FORMAT_VERSION } from '../format/file-header.js'
import { isWholeFile } from '../format/record-file.js'
import { visitSegmentIndex } from '../format/segment-index.js'
import { decodeSnapshot, type SegmentSnapshot, type Snapshot } from '../format/snapshot.js'
import { Rebuild } from './rebuild.js'
import { Replay } from './replay.js'
import { placeSegment, replaySegment } from './replay-segment.js'

/** Positions left out when it is not certain which were given: more than are given from one snapshot to the next. */
const POSITION_LEAP = 2 ** 32

/** No file is read that is longer: none that was written is. */
const MAX_FILE_BYTES = 4 * SEGMENT_SPAN

/** What a store's files hold. */
export interface RecoveredStore {
  readonly catalog: Catalog
  /** The segment to go on with; undefined to begin a new one. */
  readonly active: Segment | undefined
  /** A number that no segment has had yet. */
  readonly nextSegment: number
  /** Segments that are full and have no index that can be used. */
  readonly unindexed: readonly Segment[]
  /** Numbers of the snapshots that count: the one that was read, and those before it. */
  readonly snapshots: readonly number[]
  readonly findings: readonly Finding[]
}

/**
 * Reads a store: the newest snapshot, the indexes of the segments before it, the records of those after it. Changes no
 * file.
 *
 * @throws `STORE_DAMAGED` when a newer version has written it
 */
export async function recover(fileSystem: FileSystem, directory: string): Promise<RecoveredStore> {
  return new Recovery(fileSystem, directory, await fileSystem.list(directory)).run()
}

class Recovery {
  readonly #catalog = new Catalog()
  readonly #findings: Finding[] = []
  readonly #unindexed: Segment[] = []
  /** What the snapshot says of segments. */
  readonly #known = new Map<number, SegmentSnapshot>()

  constructor(
    readonly fileSystem: FileSystem,
    readonly directory: string,
    readonly names: readonly string[],
  ) {}

  async run(): Promise<RecoveredStore> {
    const numbers = segmentsWith('segment', this.names)
    const snapshots = segmentsWith('snapshot', this.names)
    const { base, snapshot } = await this.#newestSnapshot(snapshots)
    const replayed = numbers.filter(number => number >= base)
    if (snapshot === undefined) await this.#rebuild(replayed)
    else this.#expect(snapshot)
    for (const number of numbers)
      if (number < base && this.#known.has(number)) await this.#place(this.#known.get(number)!)
    if (snapshot !== undefined) this.#setRows(snapshot)
    const fit = await this.#replay(replayed, snapshot === undefined)
    this.#dropLost()
    const isCertain = snapshot !== undefined && base === snapshots.at(-1)
    if (!isCertain || this.#findings.some(({ kind }) => kind === 'damaged')) this.#leap()
    const active = isCertain ? fit : undefined
    if (fit !== active) this.#retire(fit!)
    return {
      catalog: this.#catalog,
      active,
      nextSegment: Math.max(0, ...numbers, ...snapshots) + 1,
      unindexed: this.#unindexed,
      snapshots: snapshots.filter(number => number <= base),
      findings: this.#findings,
    }
  }

  /** The newest snapshot that is intact, and the first segment that it says nothing of. */
  async #newestSnapshot(
    numbers: readonly number[],
  ): Promise<{ readonly base: number; readonly snapshot: Snapshot | undefined }> {
    for (const base of [...numbers].reverse()) {
      const bytes = await this.#read('snapshot', base)
      const snapshot = decodeSnapshot(bytes)
      if (snapshot !== undefined) return { base, snapshot }
      this.#find('snapshot', base, {
        kind: 'damaged',
        offset: 0,
        bytes: bytes.length,
        isSetAside: true,
        detail: 'an older state is read instead: some of what was delivered may be delivered again',
      })
    }
    return { base: 0, snapshot: undefined }
  }

  /** What the snapshot says of everything but where it lies. */
  #expect({ queues, tables, segments }: Snapshot): void {
    for (const { id, name, next, runs } of queues) {
      const queue = this.#catalog.addQueue(id, name)
      queue.declared = 'durable'
      for (const run of runs) queue.expect(run)
      queue.skipTo(next)
    }
    for (const { id, name } of tables) this.#catalog.addTable(id, name).declared = 'durable'
    for (const segment of segments) this.#known.set(segment.number, segment)
  }

  async #rebuild(numbers: readonly number[]): Promise<void> {
    const rebuild = new Rebuild()
    for (const number of numbers) {
      const bytes = await this.#read('segment', number)
      const header = decodeFileHeader(bytes, 'segment')
      if (header !== undefined) rebuild.add(bytes, header.salt)
    }
    rebuild.finish(this.#catalog)
  }

  /** Learns where payloads lie in a segment that came before the snapshot: from its index, or else from itself. */
  async #place({ number, salt, size }: SegmentSnapshot): Promise<void> {
    const segment = this.#addSegment(number, salt)
    segment.size = size
    const index = await this.#read('index', number)
    if (isWholeFile(index, 'index') && decodeFileHeader(index, 'index')!.salt === segment.salt) {
      this.#placeByIndex(index, segment)
    } else {
      const bytes = (await this.#read('segment', number)).subarray(0, size)
      for (const finding of placeSegment(bytes, this.#catalog, segment)) this.#find('segment', number, finding)
      this.#unindexed.push(segment)
    }
    segment.seal()
  }

  #placeByIndex(index: Buffer, segment: Segment): void {
    visitSegmentIndex(index, segment.salt, {
      record: offset => segment.addRecord(offset),
      entry: (queue, { position, offset, ordinal, length, expiresAt }) => {
        const address = addressOf(segment.number, offset)
        this.#catalog.place(queue, position, address, packPayload(ordinal, length), expiresAt)
      },
    })
  }

  #setRows({ rows }: Snapshot): void {
    for (const { table, key, segment, offset, length } of rows) {
      const found = this.#catalog.tableOf(table)
      if (found !== undefined) this.#catalog.setRow(found, key, { address: addressOf(segment, offset), length })
    }
  }

  /** @returns the segment to go on with, if the last one is fit for it */
  async #replay(numbers: readonly number[], restoresRows: boolean): Promise<Segment | undefined> {
    const sizes = await Promise.all(numbers.map(number => this.#size(number)))
    const last = numbers[sizes.findLastIndex(size => size > FILE_HEADER_BYTES)]
    let active: Segment | undefined
    for (const number of numbers) {
      if (active !== undefined) this.#retire(active)
      const bytes = await this.#read('segment', number)
      const header = decodeFileHeader(bytes, 'segment')
      const salt = header?.salt ?? this.#known.get(number)?.salt
      active = undefined
      if (salt === undefined) {
        if (bytes.length > FILE_HEADER_BYTES) this.#find('segment', number, unreadable(bytes.length))
        continue
      }
      if (header === undefined)
        this.#find('segment', number, { ...unreadable(FILE_HEADER_BYTES), detail: 'its header' })
      const replay = new Replay(this.#catalog, this.#addSegment(number, salt))
      replay.restoresRows = restoresRows
      const { end, findings } = replaySegment(bytes, replay, number === last)
      for (const finding of findings) this.#find('segment', number, finding)
      replay.segment.size = Math.max(end, FILE_HEADER_BYTES)
      const isFit = header !== undefined && findings.every(({ kind }) => kind === 'torn')
      if (isFit) active = replay.segment
      else this.#retire(replay.segment)
    }
    return active
  }

  /** Entries and rows that are said to wait, and of which no file holds the bytes. */
  #dropLost(): void {
    const lost = (count: number, what: string): void => {
      if (count > 0)
        this.#findings.push({ kind: 'lost', offset: 0, bytes: 0, isSetAside: false, detail: `${count} ${what}` })
    }
    for (const queue of this.#catalog.queues.values()) lost(queue.removeUnplaced(), `entries of queue ${queue.name}`)
    for (const table of this.#catalog.tables.values()) {
      const gone = [...table.rows].filter(([, { address }]) => !this.#catalog.segments.has(segmentOf(address)))
      for (const [key] of gone) this.#catalog.setRow(table, key, undefined)
      lost(gone.length, `rows of table ${table.name}`)
    }
  }

  /** Positions that may have been given are left out. */
  #leap(): void {
    for (const queue of this.#catalog.queues.values()) queue.skipTo(queue.next + POSITION_LEAP)
  }

  /** A segment that is not gone on with. */
  #retire(segment: Segment): void {
    segment.seal()
    this.#unindexed.push(segment)
  }

  #addSegment(number: number, salt: number): Segment {
    const segment = new Segment(number, salt)
    this.#catalog.segments.set(number, segment)
    return segment
  }

  #find(type: FileType, number: number, finding: Finding): void {
    this.#findings.push({ ...finding, file: basename(filePath(this.directory, type, number)) })
  }

  /** The bytes of a file; none when it is not there or longer than any that was written. */
  async #read(type: FileType, number: number): Promise<Buffer> {
    const path = filePath(this.directory, type, number)
    const bytes = (await readWhole(this.fileSystem, path, MAX_FILE_BYTES)) ?? Buffer.alloc(0)
    const version = decodeFileHeader(bytes, type)?.version ?? FORMAT_VERSION
    if (version <= FORMAT_VERSION) return bytes
    throw new EdgewrightError('STORE_DAMAGED', `Format ${version} is newer than this version can read`, {
      place: path,
      remedy: 'Use the version that wrote the store, or give this one another path.',
    })
  }

  async #size(number: number): Promise<number> {
    const file = await this.fileSystem.open(filePath(this.directory, 'segment', number), 'read')
    try {
      return await file.size()
    } finally {
      await file.close()
    }
  }
}

function unreadable(bytes: number): Finding {
  return { kind: 'damaged', offset: 0, bytes, isSetAside: true, detail: 'nothing in it can be read' }
}
