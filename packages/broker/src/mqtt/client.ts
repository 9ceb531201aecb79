import {
  type ClientDelivery,
  type ClientPeer,
  describeError,
  EdgewrightError,
  type HubSession,
  type Identity,
  identityKey,
  type MethodRequest,
  type MethodResponse,
  type SessionEnd,
  type TwinPatch,
} from '@edgewright/core'
import { formatHubTopic, type TelemetryTopic } from '@edgewright/protocol'
import { formatDesired } from '../control-bodies.js'
import type { TopicLink } from '../free-topics/topic-link.js'
import type { Outlet } from '../outlet.js'
import { PendingMethods } from '../pending-methods.js'
import type { ConnectionShare } from './connection.js'
import { Deliveries } from './deliveries.js'
import { Intake } from './intake.js'
import { suback, unsuback } from './packet-codec.js'
import type { PacketWriter } from './packet-writer.js'
import type { SessionEffect } from './session.js'
import { TwinRequests } from './twin-requests.js'

/** Effects of the session's machine that concern a client that was let in. */
export type ClientEffect = Extract<
  SessionEffect,
  { kind: 'subscribe' | 'unsubscribe' | 'get-twin' | 'report' | 'fail-report' | 'answer-method' | 'send-will' }
>

/** What a client tells its connection. */
export interface ClientEvents {
  /** Something can be written, or more be read. */
  onProgress(): void
  /** The client must go: what it wants cannot be done, and MQTT 3.1.1 has no way to say so. */
  onFailure(reason: string): void
  /** The hub ends the session. */
  onEnd(end: SessionEnd): void
}

/** Who a client is, and how it came. */
export interface ClientFacts {
  readonly identity: Identity
  /** Whether its subscriptions outlive the connection. */
  readonly persistent: boolean
  /** For the log. */
  readonly transport: string
}

/** The client of one connection, between its session of the hub and the packets that come and go. */
export class MqttClient implements ClientPeer {
  readonly transport: string
  readonly #facts: ClientFacts
  readonly #share: ConnectionShare
  readonly #outlet: Outlet
  readonly #events: ClientEvents
  readonly #deliveries: Deliveries
  readonly #methods: PendingMethods
  readonly #name: string
  #session: { readonly hub: HubSession; readonly intake: Intake; readonly twin: TwinRequests } | undefined
  /** Made when the client first uses a free topic, or when it comes back to one. */
  #topics: TopicLink | undefined
  #requests = 0

  constructor(facts: ClientFacts, share: ConnectionShare, outlet: Outlet, events: ClientEvents) {
    const { limits, metrics } = share
    const { identity, transport } = facts
    this.transport = transport
    this.#facts = facts
    this.#share = share
    this.#outlet = outlet
    this.#events = events
    this.#name = identityKey(identity)
    this.#deliveries = new Deliveries(identity, limits.outboundWindow, metrics)
    this.#methods = new PendingMethods(limits.maxMethods)
  }

  /** Whether so much is under way that nothing more should be read. */
  get isFull(): boolean {
    return this.#session?.intake.isFull === true || this.#requests >= this.#share.limits.maxRequests
  }

  /** Whether everything that was read is stored and answered. */
  get isQuiet(): boolean {
    return this.#requests === 0 && this.#session?.intake.isIdle !== false
  }

  /** The hub has opened the session. @returns whether the client has subscriptions to free topics from before */
  open(hub: HubSession): boolean {
    const { clock, limits, logger } = this.#share
    const { onProgress, onFailure } = this.#events
    const publish = (topic: string, body: string) => this.#publish(topic, body)
    this.#session = {
      hub,
      intake: new Intake(hub, limits, onProgress, onFailure),
      twin: new TwinRequests(hub, { client: this.#name, clock, logger, publish }),
    }
    const { identity, persistent } = this.#facts
    return this.#share.topics?.remembers(identity) === true && this.#joined() !== undefined && persistent
  }

  deliver(deliveries: readonly ClientDelivery[]): void {
    this.#deliveries.add(deliveries)
    this.#events.onProgress()
  }

  desired(patch: TwinPatch): void {
    this.#publish(formatHubTopic({ kind: 'desired', version: patch.version }), formatDesired(patch))
  }

  method(request: MethodRequest, signal: AbortSignal): Promise<MethodResponse> {
    const { name, payload } = request
    const body = payload === undefined ? '' : JSON.stringify(payload)
    return this.#methods.call(
      requestId => this.#publish(formatHubTopic({ kind: 'method-request', name, requestId }), body),
      signal,
    )
  }

  close(end: SessionEnd): void {
    this.#events.onEnd(end)
  }

  /** Takes in telemetry; handed on by {@link commit}. */
  take(topic: TelemetryTopic, body: Buffer, messageId: number, retain: boolean): void {
    this.#session?.intake.message(topic, body, messageId, retain)
  }

  /** Publishes on a free topic. @returns false when the client has none */
  publish(topic: string, payload: Buffer, messageId: number, retain: boolean): boolean {
    const topics = this.#session && this.#joined()
    if (topics === undefined) return false
    const published = topics.publish({ topic, payload, qos: messageId === 0 ? 0 : 1, retain })
    this.#session?.intake.elsewhere(payload.length, messageId, published)
    return true
  }

  /** Something else than telemetry wants a PUBACK, and gets it in its turn. */
  acknowledge(messageId: number): void {
    this.#session?.intake.acknowledge(messageId)
  }

  /** The client has taken a delivery. */
  settle(messageId: number): void {
    this.#deliveries.acknowledge(messageId)
  }

  /** Hands the telemetry that was read to the hub. */
  commit(): void {
    const received = this.#session?.intake.commit() ?? 0
    if (received > 0) this.#share.metrics.received.add(received)
  }

  /** Writes what can be written now: acknowledgements, then deliveries. */
  write(writer: PacketWriter, qosOf: (kind: 'inputs' | 'commands') => 0 | 1): void {
    this.#session?.intake.writeAcknowledgements(writer.to(this.#outlet))
    const waiting = this.#deliveries.topicBytes
    this.#deliveries.pump(writer, this.#outlet, qosOf)
    if (this.#deliveries.topicBytes < waiting) this.#topics?.onDrain()
  }

  /** Does what the session's machine wants done. */
  perform(effect: ClientEffect) {
    if (this.#session === undefined) return
    const { hub, twin } = this.#session
    switch (effect.kind) {
      case 'subscribe':
        return this.#request(this.#subscribe(hub, effect))
      case 'unsubscribe': {
        const dropped = effect.subscriptions.map(subscription => hub.unsubscribe(subscription))
        if (effect.topics.length > 0 && this.#topics !== undefined)
          dropped.push(this.#topics.unsubscribe(effect.topics))
        return this.#request(Promise.all(dropped).then(() => this.#outlet.write(unsuback(effect.messageId))))
      }
      case 'get-twin':
        return this.#request(twin.get(effect.requestId))
      case 'report':
        return this.#request(twin.report(effect.requestId, effect.patch))
      case 'fail-report':
        return twin.fail(effect.requestId, effect.failure)
      case 'answer-method':
        return this.#methods.answer(effect.requestId, effect.response)
      case 'send-will':
        return this.#request(hub.send([effect.will]).catch(() => undefined))
    }
  }

  /** The connection is ending. What the client did not settle is the hub's to give again. */
  leave(end: SessionEnd): void {
    this.#methods.rejectAll(new EdgewrightError('METHOD_NO_CLIENT', 'The client has left'))
    this.#topics?.destroy()
    this.#session?.hub.close(end)
  }

  async #subscribe(hub: HubSession, effect: Extract<ClientEffect, { kind: 'subscribe' }>): Promise<void> {
    const { messageId, subscriptions, topics } = effect
    const granted = [...effect.granted]
    const link = topics.length === 0 ? undefined : this.#joined()
    const [codes] = await Promise.all([
      link?.subscribe(topics),
      ...subscriptions.map(subscription => hub.subscribe(subscription)),
    ])
    for (const [index, { place }] of topics.entries()) granted[place] = codes?.[index] ?? granted[place]!
    this.#outlet.write(suback(messageId, granted))
  }

  /** The way to free topics; undefined when there are none for this client. */
  #joined(): TopicLink | undefined {
    const { identity, persistent } = this.#facts
    this.#topics ??= this.#share.topics?.join(identity, persistent, {
      onDelivery: delivery => {
        this.#deliveries.addTopic(delivery)
        this.#events.onProgress()
      },
      backlog: () => this.#deliveries.topicBytes,
      onFailure: reason => this.#events.onFailure(reason),
    })
    return this.#topics
  }

  /** Something that the client waits for. */
  #request(work: Promise<unknown>): void {
    this.#requests += 1
    const done = () => {
      this.#requests -= 1
      this.#events.onProgress()
    }
    work.then(done, error => {
      this.#events.onFailure(`a request could not be answered: ${describeError(error)}`)
      done()
    })
  }

  /** Twin and method topics go out with QoS 0. Source: wire reference, section 2.3. */
  #publish(topic: string, body: string): void {
    const writer = this.#share.writer.to(this.#outlet)
    writer.publish(topic, Buffer.from(body, 'utf8'), 0)
    writer.flush()
  }
}
