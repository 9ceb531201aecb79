import {
  type Clock,
  type Counter,
  describeError,
  EdgewrightError,
  identityKey,
  type Identity,
  type Logger,
  MAX_MESSAGE_BYTES,
  type Message,
  type MessageSource,
  messageSize,
  type Meter,
  type QueueReference,
  type RouteDestination,
  type RouteTarget,
  type SendRefusal,
  type Store,
  type StoreAppend,
  type SystemProperties,
} from '@edgewright/core'
import type { RouteTable } from '@edgewright/router'
import { endpointIdOf } from './endpoint-id.js'
import type { Eviction } from './eviction.js'
import { encodeMessage } from './message-codec.js'
import { MessageIds } from './message-id.js'
import { type SenderStamp, StampedMessage } from './message-stamp.js'
import { formatQueueName, SINGLE_LANE } from './queue-name.js'

/** What is in force for the messages that come in from now on. */
export interface IngestRules {
  readonly table: RouteTable
  /** Seconds; 0 or less: for ever. Routes may say otherwise. */
  readonly timeToLiveSecs: number
}

/** A queue that got something. */
export interface QueueTouched {
  readonly target: RouteTarget
  readonly endpoint: string
  readonly lane: string
  readonly priority: number
}

/** Who sends, and what the hub knows of them. */
export interface IngestSender {
  readonly identity: Identity
  readonly stamp: SenderStamp
  /** The queues that this sender's messages go to, as they turned up. */
  readonly queues: Map<RouteDestination, SenderQueue>
  sourceOf(message: Message): MessageSource
}

/** A queue that one sender's messages go to. */
export interface SenderQueue extends QueueTouched {
  readonly queue: string
  /** Counts what the route has brought here. */
  readonly routed: Counter
  /** The last reference made, for the next message with the same expiry. */
  reference: QueueReference
}

/** What {@link Ingest} works with. */
export interface IngestComponents {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
  readonly eviction: Eviction
  /** Told, once the messages are durable, which queues have something new. */
  readonly onStored: (touched: Iterable<QueueTouched>) => void
}

/** Queues of one sender that are remembered. */
const MOST_QUEUES = 256

const NONE: readonly SendRefusal[] = Object.freeze([])

/** Takes messages in: asks the route table, writes them to every queue that should have them, all or none. */
export class Ingest {
  rules: IngestRules
  readonly #parts: IngestComponents
  readonly #received: Counter
  readonly #stored: Counter
  readonly #unrouted: Counter
  readonly #refused: Counter
  readonly #routed = new Map<string, Counter>()
  readonly #ids = new MessageIds()
  readonly #seen = new StampedMessage()

  constructor(parts: IngestComponents, rules: IngestRules) {
    this.#parts = parts
    this.rules = rules
    this.#received = parts.meter.counter('edgewright_messages_received_total')
    this.#stored = parts.meter.counter('edgewright_messages_stored_total')
    this.#unrouted = parts.meter.counter('edgewright_messages_dropped_total', { reason: 'no_route' })
    this.#refused = parts.meter.counter('edgewright_messages_refused_total')
  }

  /**
   * Stores what one sender sent at once. Resolves when everything is durable or refused.
   *
   * @param batch - as the client sent them; only what the client sent counts against the size limit
   * @returns the refused ones: `MESSAGE_TOO_LARGE`, `STORE_FULL`, …
   */
  async accept(sender: IngestSender, batch: readonly Message[]): Promise<readonly SendRefusal[]> {
    const refusals: SendRefusal[] = []
    const append: StoreAppend[] = []
    /** With how many messages each. */
    const touched = new Map<SenderQueue, number>()
    const now = this.#parts.clock.now()
    for (const [index, sent] of batch.entries()) {
      const error = oversize(sent)
      if (error !== undefined) {
        refusals.push({ index, error })
        continue
      }
      const id = this.#ids.next()
      const stamped = sender.stamp.properties(sent)
      const destinations = this.rules.table.match(this.#seen.turnTo(sent, stamped, id), sender.sourceOf(sent))
      if (destinations.length === 0) {
        this.#unrouted.add()
        continue
      }
      const queues: QueueReference[] = []
      for (const destination of destinations) {
        const queue = this.#queue(destination, sender)
        touched.set(queue, (touched.get(queue) ?? 0) + 1)
        queues.push(this.#reference(queue, destination.timeToLiveSecs, now))
      }
      append.push({ payload: encodeMessage(sent.body, { properties: stamped.encoded, id, storedAt: now }), queues })
    }
    this.#received.add(batch.length)
    if (append.length > 0) {
      try {
        await this.#store(append, touched)
      } catch (cause) {
        this.#refused.add(batch.length)
        const error = storeError(cause)
        this.#parts.logger.log('warn', 'messages refused: they could not be stored', {
          sender: identityKey(sender.identity),
          error,
        })
        return batch.map((_, index) => ({ index, error }))
      }
      this.#stored.add(append.length)
      for (const [{ routed }, count] of touched) routed.add(count)
      this.#parts.onStored(touched.keys())
    }
    if (refusals.length === 0) return NONE
    this.#refused.add(refusals.length)
    return refusals
  }

  /** Writes, and lets older messages go first where a policy says so. */
  async #store(append: readonly StoreAppend[], touched: ReadonlyMap<SenderQueue, number>): Promise<void> {
    const { store, eviction } = this.#parts
    const size = () => append.reduce((sum, { payload }) => sum + payload.byteLength, 0)
    for (const { endpoint } of touched.keys())
      if (eviction.isLimited(endpoint)) await eviction.makeShare(endpoint, size())
    for (;;) {
      try {
        return await store.write({ append })
      } catch (error) {
        if (!EdgewrightError.is(error, 'STORE_FULL') || !(await eviction.makeRoom(size()))) throw error
      }
    }
  }

  #reference(queue: SenderQueue, routeSeconds: number, now: number): QueueReference {
    const seconds = routeSeconds > 0 ? routeSeconds : this.rules.timeToLiveSecs
    const latest = this.#parts.eviction.latestExpiry(queue.endpoint, now)
    const own = seconds > 0 ? now + seconds * 1000 : undefined
    const expiresAt = own === undefined || latest === undefined ? (own ?? latest) : Math.min(own, latest)
    if (queue.reference.expiresAt !== expiresAt) queue.reference = { queue: queue.queue, expiresAt }
    return queue.reference
  }

  #queue(destination: RouteDestination, sender: IngestSender): SenderQueue {
    const known = sender.queues.get(destination)
    if (known !== undefined) return known
    const { target, priority } = destination
    const endpoint = endpointIdOf(target)
    const lane = target.kind === 'upstream' ? identityKey(sender.identity) : SINGLE_LANE
    const queue = formatQueueName({ endpoint, priority, lane })
    const routed = this.#routeCounter(destination.route)
    const entry: SenderQueue = { target, endpoint, lane, priority, queue, routed, reference: { queue } }
    // Destinations of routes that are no longer in force pile up here otherwise.
    if (sender.queues.size >= MOST_QUEUES) sender.queues.clear()
    sender.queues.set(destination, entry)
    return entry
  }

  #routeCounter(route: string): Counter {
    let counter = this.#routed.get(route)
    if (counter === undefined) {
      counter = this.#parts.meter.counter('edgewright_messages_routed_total', { route })
      this.#routed.set(route, counter)
    }
    return counter
  }
}

function oversize(message: Message): EdgewrightError | undefined {
  if (isSurelySmall(message)) return undefined
  const size = messageSize(message)
  if (size <= MAX_MESSAGE_BYTES) return undefined
  return new EdgewrightError(
    'MESSAGE_TOO_LARGE',
    `A message of ${size} bytes is over the limit of ${MAX_MESSAGE_BYTES}`,
    {
      remedy: 'Send less at once, or move large data out of band.',
    },
  )
}

/** The exact sum is only taken when it might matter: text has at most three bytes for each of its units. */
function isSurelySmall({ body, properties, system }: Message): boolean {
  if (properties.size > 0) return false
  let bytes = body.byteLength
  for (const name in system) {
    const value = system[name as keyof SystemProperties]
    if (typeof value === 'string') bytes += 3 * value.length
  }
  return bytes <= MAX_MESSAGE_BYTES
}

function storeError(cause: unknown): EdgewrightError {
  if (EdgewrightError.is(cause)) return cause
  return new EdgewrightError('STORE_FAILED', `The message could not be stored: ${describeError(cause)}`, { cause })
}
