import {
  type Clock,
  type DeliveryOutcome,
  describeError,
  type Endpoint,
  type Identity,
  type Logger,
  type Message,
  type Position,
  type QueueEntry,
  type QueuedMessage,
  retry,
  type Store,
  type StoreRemoval,
  type Timer,
  withDefaults,
} from '@edgewright/core'
import { backoffDelay, type BackoffOptions } from './backoff.js'
import type { DeadLetters } from './dead-letters.js'
import { decodeMessage } from './message-codec.js'
import { formatQueueName } from './queue-name.js'
import { freshestFirst, oldestFirst, type ReadingOrder, type ReadingSpan } from './reading-order.js'

/** What a lane works with. */
export interface LaneComponents {
  readonly endpoint: Endpoint
  readonly store: Store
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  readonly logger: Logger
  /** Told when an endpoint gave no outcomes for too long, before the delivery is given up and tried again. */
  readonly onStalled: (lane: string) => void
  /** Told of every message that is done with, and of retries. */
  readonly onOutcome: (kind: LaneOutcome, count: number) => void
}

/** What becomes of messages in a lane. */
export type LaneOutcome = 'delivered' | 'retried' | 'dead-lettered' | 'expired'

/** How a lane goes about it. */
export interface LaneOptions {
  /** Messages handed over at once. @default 256 */
  readonly batch?: number | undefined
  /** One batch in so many goes to a lower priority although a higher one waits; Infinity for strict order. @default 8 */
  readonly fairShare?: number | undefined
  /** The newest messages first: the present arrives at once after an outage, but not in order. @default false */
  readonly freshFirst?: boolean | undefined
  /** Deliveries after which a message is parked; @default Infinity */
  readonly maxDeliveries?: number | undefined
  /** Milliseconds without an answer after which a delivery is given up and tried again. @default 60,000 */
  readonly stallAfter?: number | undefined
  readonly backoff?: BackoffOptions | undefined
}

/** Defaults of {@link LaneOptions}. */
export const LANE_DEFAULTS = Object.freeze({
  batch: 256,
  fairShare: 8,
  freshFirst: false,
  maxDeliveries: Number.POSITIVE_INFINITY,
  stallAfter: 60_000,
  backoff: {},
})

/** What a run may have delivered without a trace: the batch on its way and the one whose removal was not durable yet. */
const UNSURE_BATCHES = 2

/** An entry on its way, with how often it was tried. */
interface Pending {
  readonly position: Position
  readonly message: Message
  readonly payload: Uint8Array
  readonly expiresAt: number | undefined
  deliveries: number
  redelivered: boolean
}

/** One priority of a lane. */
class Level {
  /** Read but not settled: what an earlier delivery left for another try. */
  pending: Pending[] = []
  /** Being read: stays when reading fails, so that nothing is passed over. */
  span: ReadingSpan | undefined

  constructor(
    readonly priority: number,
    readonly queue: string,
    readonly order: ReadingOrder,
    /** Entries below this may have been delivered by an earlier run. */
    readonly unsureBelow: Position,
  ) {}
}

/**
 * Delivers what shares one order: the queues of one endpoint and lane, one per priority. At most one delivery is under
 * way at any time; the next begins when every message of it has its outcome.
 */
export class Lane {
  readonly #parts: LaneComponents
  readonly #options: Required<LaneOptions>
  readonly #levels: Level[] = []
  #running: Promise<void> | undefined
  #ready = false
  /** Counts how often the endpoint became ready: what failed before the last time says nothing about now. */
  #readiness = 0
  #failures = 0
  #served = 0
  #timer: Timer | undefined
  #delivery: AbortController | undefined
  /** The last removal: one may be under way beside the next delivery, so that a crash repeats two batches at most. */
  #checkpoint: Promise<void> = Promise.resolve()

  constructor(
    readonly name: string,
    parts: LaneComponents,
    options: LaneOptions = {},
  ) {
    this.#parts = parts
    this.#options = withDefaults(LANE_DEFAULTS, options) as Required<LaneOptions>
  }

  /** Whether nothing waits here. */
  get idle(): boolean {
    return this.#running === undefined && this.#levels.every(level => !this.#hasWork(level))
  }

  /**
   * Says that a queue of this priority has (or may have) entries.
   *
   * @param inherited - an earlier run left them, and may have delivered the first of them
   */
  notify(priority: number, inherited = false): void {
    if (!this.#levels.some(level => level.priority === priority)) {
      this.#levels.push(this.#level(priority, inherited))
      this.#levels.sort((a, b) => a.priority - b.priority)
    }
    this.#wake()
  }

  /** Says whether the endpoint can take anything. Becoming ready ends any waiting. */
  setReady(ready: boolean): void {
    this.#ready = ready
    if (!ready) {
      this.#delivery?.abort(new Error('endpoint not ready'))
      return
    }
    this.#readiness++
    this.#failures = 0
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wake()
  }

  /** Ends the delivery under way; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#ready = false
    this.#timer?.cancel()
    this.#timer = undefined
    this.#delivery?.abort(new Error('stopping'))
    await this.#running
    await this.#checkpoint
  }

  #level(priority: number, inherited: boolean): Level {
    const queue = formatQueueName({ endpoint: this.#parts.endpoint.id, priority, lane: this.name })
    const { head } = this.#parts.store.queue(queue)
    const order = this.#options.freshFirst ? freshestFirst(head) : oldestFirst(head)
    return new Level(priority, queue, order, inherited ? head + UNSURE_BATCHES * this.#options.batch : head)
  }

  #wake(): void {
    if (!this.#ready || this.#running !== undefined || this.#timer !== undefined) return
    this.#running = this.#run()
      .catch(error => {
        this.#parts.logger.log('error', 'delivery failed', { ...this.#place(), error })
        this.#backOff()
      })
      .finally(() => {
        this.#running = undefined
        if (this.#ready && this.#timer === undefined && this.#levels.some(level => this.#hasWork(level))) this.#wake()
      })
  }

  async #run(): Promise<void> {
    while (this.#ready && this.#timer === undefined) {
      const level = this.#pick()
      if (level === undefined) return
      const batch = await this.#next(level)
      if (batch.length === 0) continue
      const readiness = this.#readiness
      const outcomes = await this.#deliver(batch)
      const isComplete = await this.#settle(level, batch, outcomes)
      if (isComplete) this.#failures = 0
      else if (this.#ready && readiness === this.#readiness) this.#backOff()
    }
  }

  #hasWork(level: Level): boolean {
    return (
      level.pending.length > 0 ||
      level.span !== undefined ||
      level.order.hasMore(this.#parts.store.queue(level.queue).next)
    )
  }

  /** The highest priority with work, but now and then a lower one, so that none starves. */
  #pick(): Level | undefined {
    const waiting = this.#levels.filter(level => this.#hasWork(level))
    if (waiting.length < 2) return waiting[0]
    this.#served++
    if (this.#served % this.#options.fairShare !== 0) return waiting[0]
    const turn = Math.floor(this.#served / this.#options.fairShare)
    return waiting[1 + (turn % (waiting.length - 1))]
  }

  /** The messages to hand over next; expired and unreadable ones are dealt with here. */
  async #next(level: Level): Promise<Pending[]> {
    const { clock, deadLetters, endpoint, store } = this.#parts
    const now = clock.now()
    if (level.pending.length === 0) {
      for (const entry of await this.#read(level)) {
        const message = readable(entry)
        if (message !== undefined) {
          level.pending.push({
            position: entry.position,
            payload: entry.payload,
            message,
            expiresAt: entry.expiresAt,
            deliveries: 0,
            redelivered: entry.position < level.unsureBelow,
          })
        } else {
          await store.write({
            remove: [{ queue: level.queue, from: entry.position, through: entry.position }],
            put: [deadLetters.row(endpoint.id, entry.payload, `damaged-${entry.position}`, 'unreadable in the store')],
          })
          this.#parts.onOutcome('dead-lettered', 1)
        }
      }
    }
    const expired = level.pending.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now)
    if (expired.length > 0) {
      level.pending = level.pending.filter(entry => !expired.includes(entry))
      await store.write({ remove: removals(level.queue, expired) })
      this.#parts.onOutcome('expired', expired.length)
    }
    return level.pending
  }

  /** The next entries in the level's order; holes in the queue make them fewer. */
  async #read(level: Level): Promise<readonly QueueEntry[]> {
    const { store } = this.#parts
    const { order, queue } = level
    const { from, to } = (level.span ??= order.take(store.queue(queue).next, this.#options.batch))
    const entries: QueueEntry[] = []
    for (let position = Math.max(from, store.queue(queue).head); position < to; ) {
      const found = await store.read(queue, { from: position, limit: to - position })
      for (const entry of found) if (entry.position < to) entries.push(entry)
      position = (found.at(-1)?.position ?? to) + 1
    }
    level.span = undefined
    return entries
  }

  async #deliver(batch: readonly Pending[]): Promise<readonly DeliveryOutcome[]> {
    const { clock, endpoint, logger } = this.#parts
    const delivery = (this.#delivery = new AbortController())
    const stalled = clock.after(this.#options.stallAfter, () => {
      logger.log('warn', 'no progress, giving the delivery up to try again', this.#place())
      this.#parts.onStalled(this.name)
      delivery.abort(new Error('no progress'))
    })
    try {
      const outcomes = await endpoint.deliver(batch.map(queued), delivery.signal)
      return outcomes.length === batch.length ? outcomes : batch.map(() => retry('the endpoint gave too few outcomes'))
    } catch (error) {
      return batch.map(() => retry(describeError(error)))
    } finally {
      stalled.cancel()
      this.#delivery = undefined
    }
  }

  /**
   * Takes the outcomes: what is done leaves the store, what is refused is parked, the rest stays for another try.
   *
   * @returns whether nothing is left
   */
  async #settle(level: Level, batch: readonly Pending[], outcomes: readonly DeliveryOutcome[]): Promise<boolean> {
    const { deadLetters, endpoint, store } = this.#parts
    const done: Pending[] = []
    const parked: [Pending, string][] = []
    const again: Pending[] = []
    let reason = ''
    for (const [index, entry] of batch.entries()) {
      const outcome = outcomes[index]!
      entry.deliveries++
      if (outcome.kind === 'accepted') done.push(entry)
      else if (outcome.kind === 'reject') parked.push([entry, outcome.reason])
      else if (entry.deliveries >= this.#options.maxDeliveries) {
        parked.push([entry, `gave up after ${entry.deliveries} deliveries: ${outcome.reason}`])
      } else {
        reason ||= outcome.reason
        entry.redelivered = true
        again.push(entry)
      }
    }
    level.pending = again
    const gone = parked.length === 0 ? done : batch.filter(entry => !again.includes(entry))
    if (gone.length > 0) {
      await this.#checkpoint
      const parking = parked.map(([entry, why]) =>
        deadLetters.row(endpoint.id, entry.payload, entry.message.system.edgeMessageId ?? `${entry.position}`, why),
      )
      const written = store.write({ remove: removals(level.queue, gone), put: parking })
      this.#checkpoint = written.catch(error =>
        this.#parts.logger.log('error', 'a checkpoint was not written', { ...this.#place(), error }),
      )
      if (parked.length > 0) await written
    }
    if (done.length > 0) this.#parts.onOutcome('delivered', done.length)
    if (parked.length > 0) {
      this.#parts.onOutcome('dead-lettered', parked.length)
      this.#parts.logger.log('warn', 'messages parked', {
        ...this.#place(),
        count: parked.length,
        reason: parked[0]![1],
      })
    }
    if (again.length === 0) return true
    this.#parts.onOutcome('retried', again.length)
    this.#parts.logger.log('debug', 'delivery will be tried again', { ...this.#place(), count: again.length, reason })
    return false
  }

  #backOff(): void {
    this.#failures++
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(backoffDelay(this.#failures, this.#options.backoff), () => {
      this.#timer = undefined
      this.#wake()
    })
  }

  #place() {
    return { endpoint: this.#parts.endpoint.id, lane: this.name }
  }
}

function queued(entry: Pending): QueuedMessage {
  const { connectionDeviceId = '', connectionModuleId } = entry.message.system
  const sender: Identity = { deviceId: connectionDeviceId, moduleId: connectionModuleId }
  return { message: entry.message, sender, redelivered: entry.redelivered }
}

function readable(entry: QueueEntry): Message | undefined {
  try {
    return decodeMessage(entry.payload)
  } catch {
    return undefined
  }
}

/** Positions as few ranges: neighbours are joined. Entries come in order of position. */
function removals(queue: string, entries: readonly Pending[]): StoreRemoval[] {
  const ranges: { queue: string; from: Position; through: Position }[] = []
  for (const { position } of entries) {
    const last = ranges.at(-1)
    if (last !== undefined && last.through + 1 === position) last.through = position
    else ranges.push({ queue, from: position, through: position })
  }
  return ranges
}
