import { SegmentIndexWriter } from '../format/segment-index.js'
import type { Snapshot } from '../format/snapshot.js'
import { addressOf, lengthOf, offsetOf, ordinalOf, segmentOf } from './address.js'
import type { Catalog } from './catalog.js'
import type { Segment } from './segment.js'

/** What is durable, as the snapshot says it that stands before a segment. */
export function snapshotOf(catalog: Catalog, before: Segment): Snapshot {
  const queues = [...catalog.queues.values()].filter(queue => queue.declared === 'durable')
  const tables = [...catalog.tables.values()].filter(table => table.declared === 'durable')
  const segments = [...catalog.segments.values()].filter(segment => segment.number < before.number)
  return {
    segments: [...segments, before].map(({ number, salt, size }) => ({ number, salt, size })),
    queues: queues.map(queue => ({ id: queue.id, name: queue.name, next: queue.visible, runs: queue.runs() })),
    tables: tables.map(({ id, name }) => ({ id, name })),
    rows: tables.flatMap(({ id, rows }) =>
      Array.from(rows, ([key, { address, length }]) => ({
        table: id,
        key,
        segment: segmentOf(address),
        offset: offsetOf(address),
        length,
      })),
    ),
  }
}

/** The index of a segment, from what is durable now, in pieces. */
export function indexOf(catalog: Catalog, segment: Segment): Buffer[] {
  const index = new SegmentIndexWriter(segment, segment.records)
  const [start, end] = [addressOf(segment.number, 0), addressOf(segment.number + 1, 0)]
  for (const queue of catalog.queues.values()) {
    queue.visitWithin(start, end, (address, payload, position, expiresAt) => {
      const [ordinal, length] = [ordinalOf(payload), lengthOf(payload)]
      index.add(queue.id, { position, offset: offsetOf(address), ordinal, length, expiresAt })
    })
  }
  return index.finish()
}
