import {
  type ClientDelivery,
  type ClientPeer,
  type Clock,
  describeError,
  EdgewrightError,
  type HubSession,
  type Logger,
  type Message,
  type ModuleHost,
  Service,
  type SessionEnd,
  type Timer,
} from '@edgewright/core'
import { type BridgeRules, CompiledBridgeRules } from './bridge-rules.js'
import type { TopicMessage } from './topic-message.js'

/** What a {@link TopicBridge} works with. */
export interface BridgeParts {
  readonly host: ModuleHost
  readonly clock: Clock
  readonly logger: Logger
  /** Makes a message of the gateway's own durable; undefined when nothing has to be. */
  keep(message: TopicMessage): Promise<void> | undefined
  /** Hands on what was kept. */
  hand(message: TopicMessage): Promise<void>
}

/**
 * Joins free topics and routes: as modules of this device, whose outputs and inputs routes name like those of any other.
 * What it publishes itself it does not take in again.
 */
export class TopicBridge extends Service {
  readonly #rules: CompiledBridgeRules
  readonly #modules: readonly BridgeModule[]
  readonly #byName: ReadonlyMap<string, BridgeModule>

  /** @throws `TOPIC_BRIDGE_RULE` */
  constructor(parts: BridgeParts, rules: BridgeRules) {
    super()
    this.#rules = new CompiledBridgeRules(rules)
    this.#modules = Array.from(
      this.#rules.modules,
      ([name, hasInputs]) => new BridgeModule(name, hasInputs, this.#rules, parts),
    )
    this.#byName = new Map(this.#modules.map(module => [module.name, module]))
  }

  /**
   * Takes what a client has published to the routes that want it; undefined when no rule does. Resolves when the hub has
   * it durable.
   *
   * @throws `TOPIC_BRIDGE_DOWN`, and what the hub refuses messages with
   */
  take(message: TopicMessage, publisher: string): Promise<unknown> | undefined {
    const messages = this.#rules.toRoutes(message, publisher)
    if (messages.length === 0) return undefined
    return Promise.all(messages.map(({ module, message }) => this.#byName.get(module)!.send(message)))
  }

  protected override async onStart(): Promise<void> {
    for (const module of this.#modules) await module.connect()
  }

  protected override async onStop(): Promise<void> {
    for (const module of this.#modules) module.leave()
  }
}

/** One module that the bridge is towards the hub. */
class BridgeModule implements ClientPeer {
  readonly transport = 'topics'
  readonly name: string
  readonly #hasInputs: boolean
  readonly #rules: CompiledBridgeRules
  readonly #parts: BridgeParts
  #session: HubSession | undefined
  #turn: Promise<void> = Promise.resolve()
  #isWanted = false
  #retry: Timer | undefined
  #delay = FIRST_DELAY

  constructor(name: string, hasInputs: boolean, rules: CompiledBridgeRules, parts: BridgeParts) {
    this.name = name
    this.#hasInputs = hasInputs
    this.#rules = rules
    this.#parts = parts
  }

  async connect(): Promise<void> {
    this.#isWanted = true
    const session = await this.#parts.host.connect(this.name, this)
    if (!this.#isWanted) return session.close({ kind: 'client-left' })
    this.#session = session
    if (this.#hasInputs) await session.subscribe('inputs')
  }

  leave(): void {
    this.#isWanted = false
    this.#retry?.cancel()
    const session = this.#session
    this.#session = undefined
    session?.close({ kind: 'client-left' })
  }

  async send(message: Message): Promise<void> {
    if (this.#session === undefined) {
      throw new EdgewrightError('TOPIC_BRIDGE_DOWN', 'The bridge from free topics to routes has no session', {
        place: this.name,
        remedy: 'Let nobody else connect as this module; the bridge tries again by itself.',
      })
    }
    const [refusal] = await this.#session.send([message])
    if (refusal !== undefined) throw refusal.error
    this.#delay = FIRST_DELAY
  }

  deliver(deliveries: readonly ClientDelivery[]): void {
    for (const delivery of deliveries) {
      const messages = this.#rules.toTopics(this.name, delivery.input, delivery.message)
      if (messages === undefined) delivery.settle('rejected')
      else this.#publish(messages, delivery)
    }
  }

  desired(): void {}

  method(): Promise<never> {
    return Promise.reject(new EdgewrightError('METHOD_NO_CLIENT', 'The bridge to free topics has no methods'))
  }

  close(end: SessionEnd): void {
    this.#session = undefined
    if (!this.#isWanted || end.kind === 'hub-stopping') return
    this.#parts.logger.log('warn', 'topic bridge cut off', { module: this.name, reason: end.kind })
    this.#connectLater()
  }

  /** All become durable at once, and are handed on in the order in which they came. */
  #publish(messages: readonly TopicMessage[], delivery: ClientDelivery): void {
    const { keep, hand, logger } = this.#parts
    const kept = Promise.all(messages.map(keep))
    kept.catch(() => undefined)
    this.#turn = this.#turn.then(async () => {
      try {
        await kept
        await Promise.all(messages.map(hand))
        delivery.settle('completed')
      } catch (error) {
        logger.log('warn', 'routed message not published', { module: this.name, reason: describeError(error) })
        delivery.settle('abandoned')
      }
    })
  }

  #connectLater(): void {
    const { clock, logger } = this.#parts
    this.#retry = clock.after(this.#delay, () => {
      this.connect().catch(error => {
        logger.log('warn', 'topic bridge not connected', { module: this.name, reason: describeError(error) })
        if (this.#isWanted) this.#connectLater()
      })
    })
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY)
  }
}

const FIRST_DELAY = 1_000
const LONGEST_DELAY = 60_000
