import { type Clock, EdgewrightError, type Meter, type QueueState, type Store } from '@edgewright/core'
import { storedAt } from './message-codec.js'
import { parseQueueName } from './queue-name.js'

/** What happens to a message that does not fit. */
export type FullPolicy =
  /** The sender gets no acknowledgement, and tries again. */
  | 'refuse'
  /** What has waited longest goes, whoever it is for. */
  | 'drop-oldest'
  /** Of what goes last, the oldest goes. */
  | 'drop-lowest-priority'

/** What one endpoint may keep waiting. */
export interface EndpointLimits {
  /** Bytes of stored messages. @default no limit of its own */
  readonly bytes?: number | undefined
  /** Seconds; a shorter time-to-live of a route holds. @default no limit of its own */
  readonly maxAgeSecs?: number | undefined
  /** @default the hub's */
  readonly whenFull?: FullPolicy | undefined
}

/** What waits may cost. The store's own quota bounds the sum. */
export interface RetentionOptions {
  /** What happens when the store is full. @default 'refuse' */
  readonly whenFull?: FullPolicy | undefined
  /** By endpoint id: `upstream`, `input/MODULE/INPUT`. @default none */
  readonly endpoints?: Readonly<Record<string, EndpointLimits>> | undefined
}

/** What {@link Eviction} works with. */
export interface EvictionComponents {
  readonly store: Store
  readonly clock: Clock
  readonly meter: Meter
}

/** At least so much goes at once, so that a full store does not evict for every single message. */
const LEAST_EVICTED = 65_536
const ENTRIES_AT_ONCE = 256

/** Makes room where a policy wants it. Runs one at a time: two that evict side by side would take twice as much. */
export class Eviction {
  readonly #parts: EvictionComponents
  readonly #options: RetentionOptions
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: EvictionComponents, options: RetentionOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** When a message for an endpoint expires at the latest for reasons of its own; undefined: never. */
  latestExpiry(endpoint: string, now: number): number | undefined {
    const seconds = this.#options.endpoints?.[endpoint]?.maxAgeSecs
    return seconds === undefined ? undefined : now + seconds * 1000
  }

  /** Whether an endpoint has a limit that must be asked about. */
  isLimited(endpoint: string): boolean {
    return this.#options.endpoints?.[endpoint]?.bytes !== undefined
  }

  /**
   * Makes room in an endpoint's own share.
   *
   * @throws `STORE_FULL` when its policy is to refuse, or the message is larger than the share
   */
  async makeShare(endpoint: string, bytes: number): Promise<void> {
    const { bytes: limit = Number.POSITIVE_INFINITY, whenFull } = this.#options.endpoints?.[endpoint] ?? {}
    const over = () => this.#queuesOf(endpoint).reduce((sum, queue) => sum + queue.bytes, bytes) - limit
    await this.#inTurn(async () => {
      if (over() <= 0) return
      const policy = whenFull ?? this.#options.whenFull ?? 'refuse'
      if (policy !== 'refuse' && bytes <= limit) {
        while (over() > 0 && (await this.#evict(this.#queuesOf(endpoint), policy, over())));
      }
      if (over() > 0) throw shareFull(endpoint, limit)
    })
  }

  /**
   * Makes room in the store as a whole.
   *
   * @returns whether anything went, so that another try makes sense
   */
  makeRoom(bytes: number): Promise<boolean> {
    const policy = this.#options.whenFull ?? 'refuse'
    if (policy === 'refuse') return Promise.resolve(false)
    return this.#inTurn(() => this.#evict(this.#parts.store.queues(), policy, Math.max(bytes, LEAST_EVICTED)))
  }

  #queuesOf(endpoint: string): readonly QueueState[] {
    return this.#parts.store.queues(`${endpoint} `)
  }

  /** Takes about so many bytes out of the queue that the policy names. @returns whether there was one */
  async #evict(queues: readonly QueueState[], policy: FullPolicy, bytes: number): Promise<boolean> {
    const queue = await this.#victim(queues, policy)
    if (queue === undefined) return false
    const entries = await this.#parts.store.read(queue.queue, { limit: ENTRIES_AT_ONCE, maxBytes: bytes })
    const last = entries.at(-1)
    if (last === undefined) return false
    await this.#parts.store.write({ remove: [{ queue: queue.queue, through: last.position }] })
    const endpoint = parseQueueName(queue.queue)!.endpoint
    this.#parts.meter.counter('edgewright_messages_dropped_total', { reason: 'evicted', endpoint }).add(entries.length)
    return true
  }

  async #victim(queues: readonly QueueState[], policy: FullPolicy): Promise<QueueState | undefined> {
    let found: { queue: QueueState; priority: number; at: number } | undefined
    for (const queue of queues) {
      const priority = parseQueueName(queue.queue)?.priority
      if (priority === undefined || queue.length === 0) continue
      if (found !== undefined && policy === 'drop-lowest-priority' && priority < found.priority) continue
      const [head] = await this.#parts.store.read(queue.queue, { limit: 1 })
      if (head === undefined) continue
      const at = storedAt(head.payload)
      const lower = policy === 'drop-lowest-priority' && found !== undefined && priority > found.priority
      if (found === undefined || lower || at < found.at) found = { queue, priority, at }
    }
    return found?.queue
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(step, step)
    this.#turn = next.catch(() => undefined)
    return next
  }
}

function shareFull(endpoint: string, limit: number): EdgewrightError {
  return new EdgewrightError('STORE_FULL', `What waits for this endpoint has reached its limit of ${limit} bytes`, {
    place: endpoint,
    remedy: 'It goes on as soon as some of it is delivered or expires; or raise the limit, or let older messages go.',
  })
}
