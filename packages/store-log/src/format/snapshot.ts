import type { ByteReader } from './bytes.js'
import { decodeFileHeader } from './file-header.js'
import { isWholeFile, RecordFileWriter, readParts } from './record-file.js'

/** The parts of a snapshot: a code, then the fields in order. */
const Part = Object.freeze({
  /** number, salt, bytes */
  segment: 1,
  /** id, name, next position */
  queue: 2,
  /** queue, count, then for each run: positions left out before it, positions in it */
  runs: 3,
  /** id, name */
  table: 4,
  /** table, key, segment, offset, length */
  row: 5,
})

/** Runs of a part, so that no record grows without bound. */
const RUNS_OF_A_PART = 1_000

/** Positions from the first to the last, without a hole. */
export interface Run {
  readonly from: number
  readonly through: number
}

/** What a snapshot says: how everything stood before the first record of its segment. */
export interface Snapshot {
  /** Segments that exist, the one after the snapshot among them. */
  readonly segments: readonly SegmentSnapshot[]
  readonly queues: readonly QueueSnapshot[]
  readonly tables: readonly { readonly id: number; readonly name: string }[]
  readonly rows: readonly RowSnapshot[]
}

/** A segment, what its checksums start from, and how many of its bytes count: what is behind them was refused. */
export interface SegmentSnapshot {
  readonly number: number
  readonly salt: number
  readonly size: number
}

/** A queue and the positions that wait in it, in order. */
export interface QueueSnapshot {
  readonly id: number
  readonly name: string
  readonly next: number
  readonly runs: readonly Run[]
}

/** A row and where its value lies. */
export interface RowSnapshot {
  readonly table: number
  readonly key: string
  readonly segment: number
  readonly offset: number
  readonly length: number
}

/** The file that stands before a segment, in pieces. */
export function encodeSnapshot(
  snapshot: Snapshot,
  segment: { readonly number: number; readonly salt: number },
): Buffer[] {
  const file = new RecordFileWriter('snapshot', segment.number, segment.salt)
  for (const { number, salt, size } of snapshot.segments) {
    file.part(Part.segment).varint(number).varint(salt).varint(size)
  }
  for (const { id, name, next, runs } of snapshot.queues) {
    file.part(Part.queue).varint(id).text(name).varint(next)
    for (let first = 0; first < runs.length; first += RUNS_OF_A_PART) {
      encodeRuns(file, id, runs.slice(first, first + RUNS_OF_A_PART))
    }
  }
  for (const { id, name } of snapshot.tables) file.part(Part.table).varint(id).text(name)
  for (const { table, key, segment, offset, length } of snapshot.rows) {
    file.part(Part.row).varint(table).text(key).varint(segment).varint(offset).varint(length)
  }
  return file.finish()
}

function encodeRuns(file: RecordFileWriter, queue: number, runs: readonly Run[]): void {
  const part = file.part(Part.runs).varint(queue).varint(runs.length)
  let end = 0
  for (const { from, through } of runs) {
    part.varint(from - end).varint(through + 1 - from)
    end = through + 1
  }
}

/** @returns undefined when anything in it is not as it was written */
export function decodeSnapshot(bytes: Buffer): Snapshot | undefined {
  if (!isWholeFile(bytes, 'snapshot')) return undefined
  const segments: SegmentSnapshot[] = []
  const queues = new Map<
    number,
    { readonly id: number; readonly name: string; readonly next: number; readonly runs: Run[] }
  >()
  const tables: Snapshot['tables'][number][] = []
  const rows: RowSnapshot[] = []
  readParts(bytes, decodeFileHeader(bytes, 'snapshot')!.salt, reader => {
    const part = reader.byte()
    if (part === Part.segment) {
      segments.push({ number: reader.varint(), salt: reader.varint(), size: reader.varint() })
    } else if (part === Part.queue) {
      const id = reader.varint()
      queues.set(id, { id, name: reader.text(), next: reader.varint(), runs: [] })
    } else if (part === Part.runs) decodeRuns(reader, queues.get(reader.varint())?.runs ?? [])
    else if (part === Part.table) tables.push({ id: reader.varint(), name: reader.text() })
    else if (part === Part.row) rows.push(decodeRow(reader))
    else throw new RangeError(`unknown part ${part}`)
  })
  return { segments, queues: [...queues.values()], tables, rows }
}

function decodeRuns(reader: ByteReader, runs: Run[]): void {
  let end = 0
  for (let left = reader.varint(); left > 0; left--) {
    const from = end + reader.varint()
    end = from + reader.varint()
    runs.push({ from, through: end - 1 })
  }
}

function decodeRow(reader: ByteReader): RowSnapshot {
  const [table, key] = [reader.varint(), reader.text()]
  return { table, key, segment: reader.varint(), offset: reader.varint(), length: reader.varint() }
}
