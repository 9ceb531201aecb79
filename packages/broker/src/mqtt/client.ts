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

/** The client of one connection, between its session of the hub and the packets that come and go. */
export class MqttClient implements ClientPeer {
  readonly transport: string
  readonly #share: ConnectionShare
  readonly #outlet: Outlet
  readonly #events: ClientEvents
  readonly #deliveries: Deliveries
  readonly #methods: PendingMethods
  readonly #name: string
  #session: { readonly hub: HubSession; readonly intake: Intake; readonly twin: TwinRequests } | undefined
  #requests = 0

  constructor(identity: Identity, transport: string, share: ConnectionShare, outlet: Outlet, events: ClientEvents) {
    const { limits, metrics } = share
    this.transport = transport
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

  /** The hub has opened the session. */
  open(hub: HubSession): void {
    const { clock, limits, logger } = this.#share
    const { onProgress, onFailure } = this.#events
    const publish = (topic: string, body: string) => this.#publish(topic, body)
    this.#session = {
      hub,
      intake: new Intake(hub, limits, onProgress, onFailure),
      twin: new TwinRequests(hub, { client: this.#name, clock, logger, publish }),
    }
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
    this.#deliveries.pump(writer, this.#outlet, qosOf)
  }

  /** Does what the session's machine wants done. */
  perform(effect: ClientEffect) {
    if (this.#session === undefined) return
    const { hub, twin } = this.#session
    switch (effect.kind) {
      case 'subscribe': {
        const kept = Promise.all(effect.subscriptions.map(subscription => hub.subscribe(subscription)))
        return this.#request(kept.then(() => this.#outlet.write(suback(effect.messageId, effect.granted))))
      }
      case 'unsubscribe': {
        const dropped = Promise.all(effect.subscriptions.map(subscription => hub.unsubscribe(subscription)))
        return this.#request(dropped.then(() => this.#outlet.write(unsuback(effect.messageId))))
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
    this.#session?.hub.close(end)
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
