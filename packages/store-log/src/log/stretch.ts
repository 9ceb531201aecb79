import { offsetOf } from '../catalog/address.js'
import type { Catalog } from '../catalog/catalog.js'
import type { Segment } from '../catalog/segment.js'
import type { Places } from './reader.js'

/** Bytes read at once at most, unless one record is longer. */
const MAX_STRETCH_BYTES = 1_048_576

/** Bytes between two records that are rather read than jumped over. */
const MAX_GAP_BYTES = 32_768

/** Bytes read beyond what was asked for, for the next who asks: a queue that is read at all is mostly read on. */
const READ_AHEAD_BYTES = 196_608

/** Payloads that must have been asked for, so that it looks like reading on. */
const READ_AHEAD_FROM = 32

/** Bytes of a segment that are in memory. */
export interface Loaded {
  readonly segment: Segment
  readonly start: number
  readonly bytes: Buffer
}

/** Bytes of a segment that are read at once, with what of them is wanted. */
export interface Stretch {
  readonly segment: Segment
  readonly start: number
  end: number
  /** They are in memory already. */
  readonly loaded?: Loaded | undefined
  /** Indexes of the places that lie in it. */
  readonly wanted: number[]
  /** For each that is wanted, where its record starts. */
  readonly records: number[]
  /** Bytes of what is wanted. */
  size: number
}

/**
 * Puts places together that are read at once.
 *
 * @param order - indexes of the places, in order of address
 * @param recent - what was read lately
 */
export function planStretches(
  order: readonly number[],
  { addresses, lengths }: Places,
  catalog: Catalog,
  recent: readonly Loaded[],
): Stretch[] {
  const stretches: Stretch[] = []
  let last: Stretch | undefined
  let record = { start: 0, end: 0 }
  for (const index of order) {
    const segment = catalog.segmentAt(addresses[index]!)
    if (segment === undefined) continue
    const offset = offsetOf(addresses[index]!)
    const isSameRecord = last?.segment === segment && offset >= record.start && offset + lengths[index]! <= record.end
    if (!isSameRecord) {
      record = segment.recordAround(offset)
      const next = continued(last, segment, record) ?? begun(segment, record, recent)
      if (next !== last) stretches.push(next)
      last = next
    }
    last!.wanted.push(index)
    last!.records.push(record.start)
    last!.size += lengths[index]!
  }
  if (last !== undefined) readAhead(last)
  return stretches
}

interface RecordSpan {
  readonly start: number
  readonly end: number
}

/** The stretch, if it reaches to the record or can be made to. */
function continued(stretch: Stretch | undefined, segment: Segment, record: RecordSpan): Stretch | undefined {
  if (stretch?.segment !== segment) return undefined
  if (record.end <= stretch.end) return stretch
  const isNear = record.start - stretch.end <= MAX_GAP_BYTES && record.end - stretch.start <= MAX_STRETCH_BYTES
  if (stretch.loaded !== undefined || !isNear) return undefined
  stretch.end = record.end
  return stretch
}

function begun(segment: Segment, record: RecordSpan, recent: readonly Loaded[]): Stretch {
  const loaded = recent.find(({ segment: other, start, bytes }) => {
    return other === segment && start <= record.start && record.end <= start + bytes.length
  })
  const { start, end } =
    loaded === undefined ? record : { start: loaded.start, end: loaded.start + loaded.bytes.length }
  return { segment, start, end, loaded, wanted: [], records: [], size: 0 }
}

function readAhead(stretch: Stretch): void {
  const { segment, start, end, loaded, wanted, size } = stretch
  if (loaded !== undefined || wanted.length < READ_AHEAD_FROM || size * 2 < end - start) return
  if (end + READ_AHEAD_BYTES >= segment.size) stretch.end = segment.size
  else stretch.end = segment.recordAround(end + READ_AHEAD_BYTES).start
}
