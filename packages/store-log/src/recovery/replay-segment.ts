import type { Catalog } from '../catalog/catalog.js'
import type { Segment } from '../catalog/segment.js'
import type { Finding } from '../findings.js'
import { FILE_HEADER_BYTES } from '../format/file-header.js'
import { END, FENCE, scanRecords } from '../format/record.js'
import { Placement, type Replay } from './replay.js'

/** What replaying a segment has shown. */
export interface ReplayedSegment {
  /** Where the last change ends that is intact; what stands behind it is to be cut off. */
  readonly end: number
  readonly findings: readonly Finding[]
}

/** A record, or a gap between records, that waits for what follows to tell what it is worth. */
interface Piece {
  readonly at: number
  readonly end: number
  readonly isGap: boolean
  readonly endsChange: boolean
}

/**
 * Does what a segment's records say. Where a record is damaged it depends on what follows: the next group says that all
 * before it was durable, so this is damage, and the rest counts. Behind the last group's start it is what a crash has
 * left of writes that nobody was told about, so the log ends there.
 *
 * @param isLast - whether a crash may have happened while this segment was written
 */
export function replaySegment(bytes: Buffer, replay: Replay, isLast: boolean): ReplayedSegment {
  const { segment } = replay
  const findings: Finding[] = []
  let unsettled: Piece[] = []
  scanRecords(bytes, segment.salt, FILE_HEADER_BYTES, {
    record(at, end, flags) {
      if ((flags & FENCE) !== 0) {
        applyDurable(replay, bytes, unsettled, findings)
        unsettled = []
      }
      unsettled.push({ at, end, isGap: false, endsChange: (flags & END) !== 0 })
    },
    gap: (at, end) => unsettled.push({ at, end, isGap: true, endsChange: false }),
  })
  if (!isLast) {
    applyDurable(replay, bytes, unsettled, findings)
    return { end: bytes.length, findings }
  }
  const end = applyWhole(replay, bytes, unsettled)
  if (end < bytes.length) findings.push(tornEnd(unsettled, end, bytes.length))
  return { end, findings }
}

/** Learns where payloads lie in a segment that came before the snapshot. */
export function placeSegment(bytes: Buffer, catalog: Catalog, segment: Segment): Finding[] {
  const placement = new Placement(catalog, segment)
  const findings: Finding[] = []
  scanRecords(bytes, segment.salt, FILE_HEADER_BYTES, {
    record(at, end) {
      if (!placement.record(bytes, at, end)) findings.push(damaged(at, end))
    },
    gap: (at, end) => findings.push(damaged(at, end)),
  })
  return findings
}

function applyDurable(replay: Replay, bytes: Buffer, pieces: readonly Piece[], findings: Finding[]): void {
  for (let first = 0; first < pieces.length; ) {
    const next = endOfChange(pieces, first)
    replay.skipsRemovals = pieces.slice(first, next).some(piece => piece.isGap)
    for (const { at, end, isGap } of pieces.slice(first, next)) {
      if (isGap || !replay.record(bytes, at, end)) findings.push(damaged(at, end))
    }
    first = next
  }
  replay.skipsRemovals = false
}

/** Applies changes as long as they are whole. @returns where the last one ends */
function applyWhole(replay: Replay, bytes: Buffer, pieces: readonly Piece[]): number {
  let end = pieces[0]?.at ?? bytes.length
  for (let first = 0; first < pieces.length; ) {
    const next = endOfChange(pieces, first)
    const change = pieces.slice(first, next)
    if (!change.at(-1)!.endsChange || change.some(piece => piece.isGap)) break
    for (const piece of change) replay.record(bytes, piece.at, piece.end)
    end = change.at(-1)!.end
    first = next
  }
  return end
}

/** Index behind the piece that ends the change which begins here. */
function endOfChange(pieces: readonly Piece[], first: number): number {
  let last = first
  while (last < pieces.length - 1 && !pieces[last]!.endsChange) last++
  return last + 1
}

function damaged(at: number, end: number): Finding {
  return { kind: 'damaged', offset: at, bytes: end - at, isSetAside: true, detail: 'the rest of the file is kept' }
}

/** An intact record behind a damaged one is more than most crashes leave: it may be that the medium has failed. */
function tornEnd(pieces: readonly Piece[], offset: number, length: number): Finding {
  const gap = pieces.findIndex(piece => piece.isGap)
  const isSetAside = gap >= 0 && pieces.slice(gap).some(piece => !piece.isGap)
  const detail = 'the log is cut off where a crash has ended it; nobody was told that the rest is safe'
  return { kind: 'torn', offset, bytes: length - offset, isSetAside, detail }
}
