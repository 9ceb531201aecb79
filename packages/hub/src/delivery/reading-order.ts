import type { Position } from '@edgewright/core'

/** Which part of a queue to read next: positions from `from` to below `to`. */
export interface ReadingSpan {
  readonly from: Position
  readonly to: Position
}

/** In which order a lane takes entries out of one of its queues. Each position is given once. */
export interface ReadingOrder {
  /** Whether there is anything that was not read. @param next - position that the next entry will get */
  hasMore(next: Position): boolean
  /** What to read now; at most `batch` positions. Call only after {@link hasMore} said yes. */
  take(next: Position, batch: number): ReadingSpan
}

/** First in, first out: order per sender is kept. */
export function oldestFirst(head: Position): ReadingOrder {
  let cursor = head
  return {
    hasMore: next => cursor < next,
    take(next, batch) {
      const from = cursor
      cursor = Math.min(next, from + batch)
      return { from, to: cursor }
    },
  }
}

/** Parts of a backlog that are remembered apart; more are joined, which only reads some empty positions again. */
const MOST_SPANS = 64

/**
 * The newest first: after a long outage the present arrives at once and the past follows. Within a batch the order is
 * that of arrival; between batches it is not kept.
 */
export function freshestFirst(head: Position): ReadingOrder {
  /** Not read yet, oldest span first. */
  const unread: { from: Position; to: Position }[] = []
  let seen = head
  const look = (next: Position) => {
    if (next === seen) return
    const last = unread.at(-1)
    if (last?.to === seen) last.to = next
    else unread.push({ from: seen, to: next })
    seen = next
    if (unread.length > MOST_SPANS) unread.splice(0, 2, { from: unread[0]!.from, to: unread[1]!.to })
  }
  return {
    hasMore(next) {
      look(next)
      return unread.length > 0
    },
    take(next, batch) {
      look(next)
      const last = unread.at(-1)!
      const span = { from: Math.max(last.from, last.to - batch), to: last.to }
      last.to = span.from
      if (last.from === last.to) unread.pop()
      return span
    },
  }
}
