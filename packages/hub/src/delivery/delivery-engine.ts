import {
  type Clock,
  identityFromKey,
  identityKey,
  type Logger,
  type Meter,
  type RouteTarget,
  type Store,
  type Timer,
  type Upstream,
} from '@edgewright/core'
import { DeadLetters } from './dead-letters.js'
import { Eviction, type RetentionOptions } from './eviction.js'
import { inputEndpoint, type InputReceiver, parseInputEndpointId } from './input-endpoint.js'
import { Ingest, type IngestRules, type QueueTouched } from './ingest.js'
import type { LaneOptions } from './lane.js'
import { Pump } from './pump.js'
import { formatQueueName, parseQueueName, SINGLE_LANE } from './queue-name.js'
import { endpointIdOf } from './endpoint-id.js'
import { UPSTREAM_ENDPOINT_ID, upstreamEndpoint } from './upstream-endpoint.js'

/** What the engine works with. */
export interface DeliveryComponents {
  readonly store: Store
  readonly upstream: Upstream
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
  /** The session of a module of this device, when it is connected and takes inputs. */
  readonly receiver: (moduleId: string) => InputReceiver | undefined
  /** Told when an endpoint with work makes no progress. */
  readonly onStalled: (endpoint: string, lane: string) => void
}

/** How messages are kept and delivered. */
export interface DeliveryOptions extends LaneOptions {
  readonly retention?: RetentionOptions | undefined
}

/** What waits for one endpoint. */
export interface EndpointState {
  readonly endpoint: string
  /** Messages that wait. */
  readonly waiting: number
  /** Bytes of them in the store. */
  readonly bytes: number
  /** False when no route leads here any more: what waits is delivered all the same, expires, or is purged on request. */
  readonly routed: boolean
}

/** Milliseconds between two looks for expired messages and at the length of the queues. */
const HOUSEKEEPING_INTERVAL = 2_000

/** Store-and-forward: what is taken in lies in queues, and one pump per endpoint brings it on its way. */
export class DeliveryEngine {
  readonly ingest: Ingest
  readonly deadLetters: DeadLetters
  readonly #parts: DeliveryComponents
  readonly #options: DeliveryOptions
  readonly #pumps = new Map<string, Pump>()
  readonly #onConnectivity = () => this.#pumps.get(UPSTREAM_ENDPOINT_ID)?.setReady(this.#isOnline())
  #housekeeping: Timer | undefined
  /** A sender's session that hangs is closed, so that the next try opens another. */
  readonly #onStalled = (endpoint: string, lane: string) => {
    this.#parts.onStalled(endpoint, lane)
    if (endpoint !== UPSTREAM_ENDPOINT_ID) return
    const session = this.#parts.upstream.session(identityFromKey(lane))
    session
      .close()
      .catch(error => this.#parts.logger.log('warn', 'a session that hangs was not closed', { lane, error }))
  }

  constructor(parts: DeliveryComponents, rules: IngestRules, options: DeliveryOptions = {}) {
    this.#parts = parts
    this.#options = options
    this.deadLetters = new DeadLetters(parts)
    const eviction = new Eviction(parts, options.retention ?? {})
    this.ingest = new Ingest({ ...parts, eviction, onStored: touched => this.#onStored(touched) }, rules)
  }

  /** Takes up the queues that an earlier run left. The store must be running. */
  start(): void {
    for (const { queue } of this.#parts.store.queues()) {
      const name = parseQueueName(queue)
      const target = name && targetOf(name.endpoint)
      if (target !== undefined) this.#pump(target, name!.endpoint).notify(name!.lane, name!.priority, true)
    }
    this.#parts.upstream.on('connectivity', this.#onConnectivity)
    this.#onConnectivity()
    this.#keepHouse()
  }

  /** Resolves when no delivery is under way any more. What was not delivered stays in its queue. */
  async stop(): Promise<void> {
    this.#housekeeping?.cancel()
    this.#housekeeping = undefined
    this.#parts.upstream.off('connectivity', this.#onConnectivity)
    await Promise.all([...this.#pumps.values()].map(pump => pump.stop()))
    this.#pumps.clear()
  }

  /** Says whether a module of this device takes inputs now. */
  setModuleReady(moduleId: string, ready: boolean): void {
    for (const [id, pump] of this.#pumps) {
      if (parseInputEndpointId(id)?.moduleId === moduleId) pump.setReady(ready)
    }
  }

  /**
   * Gives a parked message to its endpoint once more.
   *
   * @throws `DEAD_LETTER_NOT_FOUND`
   */
  async retryDeadLetter(key: string): Promise<void> {
    const queue = await this.deadLetters.retry(key, ({ endpoint, message }) => {
      const { connectionDeviceId = '', connectionModuleId } = message?.system ?? {}
      const sender = identityKey({ deviceId: connectionDeviceId, moduleId: connectionModuleId })
      return formatQueueName({ endpoint, priority: 0, lane: endpoint === UPSTREAM_ENDPOINT_ID ? sender : SINGLE_LANE })
    })
    const { endpoint, lane, priority } = parseQueueName(queue)!
    const input = parseInputEndpointId(endpoint)
    this.#pump(input === undefined ? { kind: 'upstream' } : { kind: 'input', ...input }, endpoint).notify(
      lane,
      priority,
    )
  }

  /** What waits, endpoint by endpoint; an orphan among them has `routed: false`. */
  endpoints(): readonly EndpointState[] {
    const routed = new Set(this.ingest.rules.table.routes.map(({ destination }) => endpointIdOf(destination.target)))
    const found = new Map([...routed].map(endpoint => [endpoint, { waiting: 0, bytes: 0 }]))
    for (const { queue, length, bytes } of this.#parts.store.queues()) {
      const endpoint = parseQueueName(queue)?.endpoint
      if (endpoint === undefined) continue
      const { waiting, bytes: before } = found.get(endpoint) ?? { waiting: 0, bytes: 0 }
      found.set(endpoint, { waiting: waiting + length, bytes: before + bytes })
    }
    return Array.from(found, ([endpoint, state]) => ({ endpoint, ...state, routed: routed.has(endpoint) }))
  }

  /** Forgets everything that waits for an endpoint. @returns how many messages */
  async purge(endpoint: string): Promise<number> {
    const queues = this.#parts.store.queues(`${endpoint} `)
    await this.#parts.store.write({ remove: queues.map(({ queue, next }) => ({ queue, through: next - 1 })) })
    const count = queues.reduce((sum, { length }) => sum + length, 0)
    this.#parts.meter.counter('edgewright_messages_dropped_total', { reason: 'purged', endpoint }).add(count)
    return count
  }

  #onStored(touched: Iterable<QueueTouched>): void {
    for (const { target, endpoint, lane, priority } of touched) this.#pump(target, endpoint).notify(lane, priority)
  }

  #pump(target: RouteTarget, id: string): Pump {
    let pump = this.#pumps.get(id)
    if (pump === undefined) {
      const { receiver, upstream } = this.#parts
      const endpoint =
        target.kind === 'upstream'
          ? upstreamEndpoint(upstream)
          : inputEndpoint(target.moduleId, target.input, () => receiver(target.moduleId))
      pump = new Pump(
        { ...this.#parts, endpoint, deadLetters: this.deadLetters, onStalled: this.#onStalled },
        this.#options,
      )
      this.#pumps.set(id, pump)
      pump.setReady(target.kind === 'upstream' ? this.#isOnline() : receiver(target.moduleId) !== undefined)
    }
    return pump
  }

  #isOnline(): boolean {
    return this.#parts.upstream.connectivity.type === 'online'
  }

  #keepHouse(): void {
    this.#housekeeping = this.#parts.clock.after(HOUSEKEEPING_INTERVAL, () => {
      this.#removeExpired()
        .catch(error => this.#parts.logger.log('error', 'expired messages could not be removed', { error }))
        .finally(() => {
          this.#measure()
          if (this.#housekeeping !== undefined) this.#keepHouse()
        })
    })
  }

  #measure(): void {
    for (const { endpoint, waiting, bytes } of this.endpoints()) {
      this.#parts.meter.gauge('edgewright_queue_length', { endpoint }).set(waiting)
      this.#parts.meter.gauge('edgewright_queue_bytes', { endpoint }).set(bytes)
    }
  }

  async #removeExpired(): Promise<void> {
    for (const { queue, count } of await this.#parts.store.removeExpired(this.#parts.clock.now())) {
      const endpoint = parseQueueName(queue)?.endpoint ?? queue
      this.#parts.meter.counter('edgewright_messages_expired_total', { endpoint }).add(count)
    }
  }
}

function targetOf(endpoint: string): RouteTarget | undefined {
  if (endpoint === UPSTREAM_ENDPOINT_ID) return { kind: 'upstream' }
  const input = parseInputEndpointId(endpoint)
  return input && { kind: 'input', ...input }
}
