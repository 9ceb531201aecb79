import {
  type Clock,
  identityKey,
  type Logger,
  type Meter,
  type RouteTarget,
  type Store,
  type Timer,
  type Upstream,
} from '@edgewright/core'
import { DeadLetters } from './dead-letters.js'
import { inputEndpoint, type InputReceiver, parseInputEndpointId } from './input-endpoint.js'
import { Ingest, type IngestRules, type QueueTouched } from './ingest.js'
import type { LaneOptions } from './lane.js'
import { Pump } from './pump.js'
import { formatQueueName, parseQueueName, SINGLE_LANE } from './queue-name.js'
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
}

/** Milliseconds between two looks for expired messages, while there are any that can expire. */
const EXPIRY_INTERVAL = 2_000

/** Store-and-forward: what is taken in lies in queues, and one pump per endpoint brings it on its way. */
export class DeliveryEngine {
  readonly ingest: Ingest
  readonly deadLetters: DeadLetters
  readonly #parts: DeliveryComponents
  readonly #options: LaneOptions
  readonly #pumps = new Map<string, Pump>()
  readonly #onConnectivity = () => this.#pumps.get(UPSTREAM_ENDPOINT_ID)?.setReady(this.#isOnline())
  #expiry: Timer | undefined

  constructor(parts: DeliveryComponents, rules: IngestRules, options: LaneOptions = {}) {
    this.#parts = parts
    this.#options = options
    this.deadLetters = new DeadLetters(parts)
    this.ingest = new Ingest({ ...parts, onStored: touched => this.#onStored(touched) }, rules)
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
    this.#watchExpiry()
  }

  /** Resolves when no delivery is under way any more. What was not delivered stays in its queue. */
  async stop(): Promise<void> {
    this.#expiry?.cancel()
    this.#expiry = undefined
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

  #onStored(touched: ReadonlySet<QueueTouched>): void {
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
      pump = new Pump({ ...this.#parts, endpoint, deadLetters: this.deadLetters }, this.#options)
      this.#pumps.set(id, pump)
      pump.setReady(target.kind === 'upstream' ? this.#isOnline() : receiver(target.moduleId) !== undefined)
    }
    return pump
  }

  #isOnline(): boolean {
    return this.#parts.upstream.connectivity.type === 'online'
  }

  #watchExpiry(): void {
    this.#expiry = this.#parts.clock.after(EXPIRY_INTERVAL, () => {
      this.#removeExpired()
        .catch(error => this.#parts.logger.log('error', 'expired messages could not be removed', { error }))
        .finally(() => this.#expiry !== undefined && this.#watchExpiry())
    })
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
