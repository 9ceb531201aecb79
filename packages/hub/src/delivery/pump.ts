import type { Clock, Endpoint, Logger, Meter, Store } from '@edgewright/core'
import type { DeadLetters } from './dead-letters.js'
import { Lane, type LaneOptions, type LaneOutcome } from './lane.js'

/** What a pump works with. */
export interface PumpComponents {
  readonly endpoint: Endpoint
  readonly store: Store
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
  /** Told when a lane makes no progress. */
  readonly onStalled: (endpoint: string, lane: string) => void
}

/**
 * Moves messages from the queues of one endpoint to it, lane by lane, and sleeps while there is nothing to do. Lanes
 * do not wait for one another.
 */
export class Pump {
  readonly #parts: PumpComponents
  readonly #options: LaneOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #onOutcome: (kind: LaneOutcome, count: number) => void
  #ready = false

  constructor(parts: PumpComponents, options: LaneOptions = {}) {
    this.#parts = parts
    this.#options = options
    const endpoint = parts.endpoint.id
    const counters = {
      delivered: parts.meter.counter('edgewright_messages_delivered_total', { endpoint }),
      retried: parts.meter.counter('edgewright_messages_retried_total', { endpoint }),
      'dead-lettered': parts.meter.counter('edgewright_messages_dead_lettered_total', { endpoint }),
      expired: parts.meter.counter('edgewright_messages_expired_total', { endpoint }),
    }
    this.#onOutcome = (kind, count) => counters[kind].add(count)
  }

  get endpoint(): Endpoint {
    return this.#parts.endpoint
  }

  /**
   * Says that a queue of this lane and priority has entries.
   *
   * @param inherited - an earlier run left them, and may have delivered the first of them
   */
  notify(lane: string, priority: number, inherited = false): void {
    this.#lane(lane).notify(priority, inherited)
  }

  /** Says whether the endpoint can take anything at all. */
  setReady(ready: boolean): void {
    if (ready === this.#ready) return
    this.#ready = ready
    for (const lane of this.#lanes.values()) lane.setReady(ready)
  }

  /** Ends what is under way; what has no outcome stays in its queue. */
  async stop(): Promise<void> {
    this.#ready = false
    await Promise.all([...this.#lanes.values()].map(lane => lane.stop()))
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      const onStalled = (stalled: string) => this.#parts.onStalled(this.endpoint.id, stalled)
      lane = new Lane(name, { ...this.#parts, onStalled, onOutcome: this.#onOutcome }, this.#options)
      this.#lanes.set(name, lane)
      lane.setReady(this.#ready)
    }
    return lane
  }
}
