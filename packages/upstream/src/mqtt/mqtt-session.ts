import {
  type CloudHandlers,
  describeError,
  type DeliveryOutcome,
  EdgewrightError,
  type Identity,
  identityKey,
  type JsonObject,
  type Message,
  type Timer,
  type Twin,
} from '@edgewright/core'
import { formatSasAudience, formatUsername, parseHubTopic, Refusal } from '@edgewright/protocol'
import type { IPublishPacket } from 'mqtt-packet'
import type { IdentitySession } from '../cloud-link.js'
import { offline, refused, unauthorized } from '../errors.js'
import type { Pace } from '../pace.js'
import type { IdentityTraffic } from '../traffic.js'
import { withPatience } from '../network/deadline.js'
import { MqttConnection, MqttRefusal } from './connection.js'
import type { MqttContext } from './context.js'
import { MqttListener } from './listener.js'
import type { SessionHost } from './session-host.js'
import { MqttTelemetry } from './telemetry.js'
import { MqttTwin } from './twin.js'

/** The version of IoT Hub's interface that is asked for. */
const API_VERSION = '2021-04-12'
/** Why a session retired that is about to be replaced: MQTT renews a token by connecting anew. */
export class TokenRenewal extends EdgewrightError {
  constructor() {
    super('UPSTREAM_OFFLINE', 'The token is being renewed')
  }
}

/** What differs from session to session. */
export interface MqttSessionOptions {
  /** Messages without an acknowledgement at once. */
  readonly pace: Pace
  /** Milliseconds without a sign of life after which the connection counts as lost. */
  readonly silenceLimit: number
}

/** One identity's session over MQTT: a connection of its own, for as long as its token is good. */
export class MqttSession implements IdentitySession, SessionHost {
  readonly identity: Identity
  readonly context: MqttContext
  readonly connection: MqttConnection
  readonly traffic: IdentityTraffic
  readonly retired: AbortSignal
  readonly ended: AbortSignal
  readonly #retiring = new AbortController()
  readonly #ending = new AbortController()
  readonly #telemetry: MqttTelemetry
  readonly #twin: MqttTwin
  readonly #listener: MqttListener
  readonly #renewal: Timer
  #users = 0
  #unused: () => void = () => undefined

  private constructor(context: MqttContext, identity: Identity, pace: Pace, connection: MqttConnection) {
    const { clock, random, tuning, traffic } = context
    this.identity = identity
    this.context = context
    this.connection = connection
    this.traffic = traffic.of(identity)
    this.retired = this.#retiring.signal
    this.ended = this.#ending.signal
    this.#telemetry = new MqttTelemetry(connection, {
      identity,
      pace,
      onSent: bytes => this.traffic.count('telemetry', 'out', bytes),
    })
    this.#twin = new MqttTwin(this)
    this.#listener = new MqttListener(this)
    const renewIn = tuning.tokenLifetime * Math.min(1, tuning.renewAfter + random() / 10)
    this.#renewal = clock.after(renewIn, () => void this.#retire(new TokenRenewal()))
    void connection.lost.then(failure => this.#end(offline(failure.message, failure)))
  }

  /** @throws as `CloudSession` */
  static async open(
    context: MqttContext,
    identity: Identity,
    { pace, silenceLimit }: MqttSessionOptions,
  ): Promise<MqttSession> {
    const { hostname, clock, tuning, traffic, closing } = context
    if (/[#+]/.test(identityKey(identity))) throw refused('an id with # or + cannot be part of an MQTT topic')
    let onMessage: (packet: IPublishPacket) => void = () => undefined
    try {
      const password = await signToken(context, identity)
      const stream = await context.openStream(closing)
      const connection = await MqttConnection.open(
        stream,
        {
          clock,
          clientId: identityKey(identity),
          username: formatUsername({
            ...{ host: hostname, identity, apiVersion: API_VERSION, productInfo: 'edgewright' },
            authChain: context.speakerOf(identity).chain,
          }),
          password,
          handshakeTimeout: tuning.handshakeTimeout,
          acknowledgeTimeout: tuning.operationTimeout,
          silenceLimit,
          onMessage: packet => onMessage(packet),
          onTraffic: traffic.passed.bind(traffic),
        },
        closing,
      )
      const session = new MqttSession(context, identity, pace, connection)
      onMessage = packet => session.#received(packet)
      return session
    } catch (error) {
      throw sessionError(identity, error)
    }
  }

  send(messages: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    return this.#use(() => this.#telemetry.send(messages, signal))
  }

  getTwin(signal?: AbortSignal): Promise<Twin> {
    return this.#use(() => this.#twin.get(signal))
  }

  report(patch: JsonObject, signal?: AbortSignal): Promise<number> {
    return this.#use(() => this.#twin.report(patch, signal))
  }

  async serve(handlers: CloudHandlers): Promise<void> {
    await this.#listener.serve(handlers).catch(error => {
      throw sessionError(this.identity, error)
    })
  }

  close(): void {
    void this.#retire(offline('the identity was closed'))
  }

  async #use<T>(task: () => Promise<T>): Promise<T> {
    this.#users += 1
    try {
      return await task()
    } finally {
      this.#users -= 1
      if (this.#users === 0) this.#unused()
    }
  }

  #received(packet: IPublishPacket): void {
    const topic = parseHubTopic(packet.topic)
    if (!(topic instanceof Refusal) && topic.kind !== 'twin-response') {
      this.#listener.received(topic, packet)
      return
    }
    if (packet.qos > 0) this.connection.acknowledge(packet.messageId!)
    if (topic instanceof Refusal) return
    const body = packet.payload as Buffer
    this.traffic.count('twin', 'in', body.byteLength)
    this.#twin.answered(topic, body)
  }

  /** Takes nothing more, and ends the connection when what is under way is done, or after a while. */
  async #retire(error: EdgewrightError): Promise<void> {
    if (this.retired.aborted) return
    this.#retiring.abort(error)
    this.#renewal.cancel()
    const { clock, tuning } = this.context
    const unused = new Promise<void>(resolve => {
      this.#unused = resolve
      if (this.#users === 0) resolve()
    })
    await withPatience(clock, tuning.closeTimeout, unused)
    await this.connection.close()
    this.#end(error)
  }

  #end(error: EdgewrightError): void {
    this.#renewal.cancel()
    this.#telemetry.end(error.message)
    if (!this.retired.aborted) this.#retiring.abort(error)
    if (!this.ended.aborted) this.#ending.abort(this.retired.reason)
  }
}

async function signToken(
  { hostname, clock, tuning, token, traffic, speakerOf }: MqttContext,
  identity: Identity,
): Promise<string> {
  try {
    const { identity: speaker } = speakerOf(identity)
    const text = await token(speaker, formatSasAudience(hostname, speaker), clock.now() + tuning.tokenLifetime)
    traffic.of(identity).count('token', 'out', text.length)
    return text
  } catch (error) {
    throw unauthorized(identity, `no token could be signed (${describeError(error)})`, error)
  }
}

/** Return codes 2, 4 and 5 are about who connects; the rest may pass. Source: MQTT 3.1.1, section 3.2.2.3. */
function sessionError(identity: Identity, error: unknown): EdgewrightError {
  if (EdgewrightError.is(error)) return error
  const isPersonal = error instanceof MqttRefusal && [2, 4, 5].includes(error.returnCode)
  const text = error instanceof Error ? error.message : String(error)
  return isPersonal ? unauthorized(identity, text, error) : offline(text, error)
}
