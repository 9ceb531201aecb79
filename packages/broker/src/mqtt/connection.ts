import type { Duplex } from 'node:stream'
import {
  type Authentication,
  type ClientDelivery,
  type ClientPeer,
  type Clock,
  describeError,
  EdgewrightError,
  type HubSession,
  identityKey,
  type JsonObject,
  type Logger,
  type MethodRequest,
  type MethodResponse,
  type SessionEnd,
  type SessionHost,
  type SessionOptions,
  type Subscription,
  type Timer,
  type TwinPatch,
} from '@edgewright/core'
import { ClientTopicReader, formatHubTopic, Refusal } from '@edgewright/protocol'
import { randomUUID } from 'node:crypto'
import { onExpiry } from '../login/expiry.js'
import type { LoginThrottle } from '../login/login-throttle.js'
import type { PeerFacts } from '../listener/listener.js'
import type { ConnectRequest } from './connect-request.js'
import { formatDesired, formatFailure, formatTwin, type TwinFailure, twinFailure } from '../control-bodies.js'
import { Deliveries } from './deliveries.js'
import { Intake } from './intake.js'
import type { NormalMqttLimits } from './limits.js'
import type { MqttMetrics } from './metrics.js'
import { GatedOutlet } from './gated-outlet.js'
import { connack, connectLevel, decodePacket, hasValidFlags, PINGRESP, suback, unsuback } from './packet-codec.js'
import { PacketCutter } from './packet-cutter.js'
import { PacketType } from './packet-type.js'
import type { PacketWriter } from './packet-writer.js'
import { PendingMethods } from '../pending-methods.js'
import { type PublishParts, readPublish } from './publish.js'
import { advance, grantedQos, newSession, type SessionEffect, type SessionInput, type SessionState } from './session.js'

/** What the connections of a front-end share. */
export interface ConnectionShare {
  readonly host: SessionHost
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: MqttMetrics
  readonly limits: NormalMqttLimits
  readonly throttle: LoginThrottle
  readonly writer: PacketWriter
}

/** What is known of a client before it says anything. */
export interface ConnectionFacts extends PeerFacts {
  /** For the log: `mqtt`, `mqtt-ws`. */
  readonly transport: string
}

/** What a connection has once the hub has opened its session. */
interface Opened {
  readonly session: HubSession
  readonly topics: ClientTopicReader
  readonly intake: Intake
  readonly deliveries: Deliveries
}

/** One MQTT connection: bytes to packets, packets to the session's state machine, its effects to hub and socket. */
export class MqttConnection implements ClientPeer {
  readonly transport: string
  readonly #share: ConnectionShare
  readonly #facts: ConnectionFacts
  readonly #stream: Duplex
  readonly #cutter: PacketCutter
  readonly #outlet: GatedOutlet
  readonly #methods: PendingMethods
  #state: SessionState
  #client: string
  #opened: Opened | undefined
  /** Deliveries that the hub gave before the client was welcomed. */
  #early: ClientDelivery[] = []
  #requests = 0
  #heard: number
  #timer: Timer
  #expiry: Timer | undefined
  #paused = false
  #onQuiet: (() => void) | undefined

  constructor(stream: Duplex, facts: ConnectionFacts, share: ConnectionShare) {
    const { clock, limits, logger } = share
    this.transport = facts.transport
    this.#share = share
    this.#facts = facts
    this.#stream = stream
    this.#client = facts.address
    this.#state = newSession(facts)
    this.#cutter = new PacketCutter(limits.maxConnectBytes)
    this.#outlet = new GatedOutlet(stream, clock, limits, () =>
      this.#overdue('the client takes nothing of what it is sent'),
    )
    this.#methods = new PendingMethods(limits.maxMethods)
    this.#heard = clock.monotonic()
    this.#timer = clock.after(limits.connectTimeout, () => this.#overdue('no accepted CONNECT in time'))
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('drain', () => this.#onProgress())
    stream.on('error', error => logger.log('debug', 'mqtt connection failed', { client: this.#client, error }))
    stream.on('close', () => this.#onStreamClosed())
  }

  deliver(deliveries: readonly ClientDelivery[]): void {
    if (this.#opened === undefined) this.#early.push(...deliveries)
    else this.#opened.deliveries.add(deliveries)
    this.#pump()
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
    this.#advance({ kind: 'ended', end })
  }

  /** Reads nothing more, and resolves once what was read is stored and acknowledged. */
  finish(): Promise<void> {
    this.#paused = true
    this.#stream.pause()
    return new Promise(resolve => {
      this.#onQuiet = resolve
      this.#checkQuiet()
    })
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#stream.destroy()
  }

  #onData(chunk: Buffer): void {
    if (this.#state.phase === 'closed') return
    this.#heard = this.#share.clock.monotonic()
    this.#cutter.append(chunk)
    this.#read()
  }

  /** Reads packets until there is none, or until who the client is has to be found out first. */
  #read(): void {
    while (this.#state.phase === 'new' || this.#state.phase === 'open') {
      const cut = this.#cutter.next()
      if (cut === 'incomplete') break
      if (cut === 'packet') this.#onPacket()
      else this.#violation(cut === 'too-long' ? 'a packet longer than allowed' : 'a malformed fixed header')
    }
    const received = this.#opened?.intake.commit() ?? 0
    if (received > 0) this.#share.metrics.received.add(received)
    this.#onProgress()
  }

  #onPacket() {
    const { first, bytes, start, end } = this.#cutter
    const type = first >>> 4
    if (type === PacketType.publish) return this.#onPublish()
    if (!hasValidFlags(first)) return this.#violation('flags that the packet type does not have [MQTT-2.2.2-2]')
    if (type === PacketType.puback && this.#opened !== undefined && end - start === 2) {
      return this.#opened.deliveries.acknowledge((bytes[start]! << 8) | bytes[start + 1]!)
    }
    const level = type === PacketType.connect ? connectLevel(bytes, start, end) : undefined
    if (level !== undefined && level !== 4) return this.#advance({ kind: 'foreign-version', level })
    const packet = decodePacket(this.#cutter.packet())
    if (packet === undefined) this.#violation('a malformed packet')
    else this.#advance({ kind: 'packet', packet })
  }

  #onPublish() {
    if (this.#opened === undefined) return this.#violation('a PUBLISH before CONNECT [MQTT-3.1.0-1]')
    const { intake, topics } = this.#opened
    const fault = readPublish(this.#cutter, PARTS)
    if (fault !== undefined) return this.#violation(fault)
    const { bytes, end } = this.#cutter
    const { topicStart, topicEnd, bodyStart, messageId, retain } = PARTS
    const topic = topics.read(bytes, topicStart, topicEnd)
    if (topic instanceof Refusal) return this.#violation(topic.reason)
    const body = bytes.subarray(bodyStart, end)
    if (topic.kind === 'telemetry') return intake.message(topic, body, messageId, retain)
    if (messageId !== 0) intake.acknowledge(messageId)
    this.#advance({ kind: 'control', topic, body })
  }

  #advance(input: SessionInput): void {
    const { state, effects } = advance(this.#state, input)
    this.#state = state
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: SessionEffect) {
    switch (effect.kind) {
      case 'authenticate':
        return this.#authenticate(effect.request)
      case 'open':
        return this.#open(effect.options, effect.keepAlive)
      case 'welcome':
        return this.#welcome(effect.sessionPresent)
      case 'turn-away':
        return this.#turnAway(effect.returnCode, effect.reason, effect.badLogin)
      case 'subscribe':
        return this.#subscribe(effect.messageId, effect.subscriptions, effect.granted)
      case 'unsubscribe':
        return this.#unsubscribe(effect.messageId, effect.subscriptions)
      case 'pong':
        return this.#share.writer.to(this.#outlet).packet(PINGRESP)
      case 'get-twin':
        return this.#getTwin(effect.requestId)
      case 'report':
        return this.#report(effect.requestId, effect.patch)
      case 'fail-report':
        return this.#failTwin(effect.requestId, effect.failure)
      case 'answer-method':
        return this.#methods.answer(effect.requestId, effect.response)
      case 'send-will':
        return void this.#opened?.session.send([effect.will]).catch(() => undefined)
      case 'close':
        return this.#end(effect.end, effect.reason)
    }
  }

  #authenticate(request: ConnectRequest): void {
    this.#client = identityKey(request.identity)
    const conclude = (verdict: Authentication) => this.#advance({ kind: 'authenticated', verdict })
    const fail = (error: unknown) => conclude({ accepted: false, reason: 'unavailable', detail: describeError(error) })
    try {
      const verdict = this.#share.host.authenticate(request.credentials)
      if (verdict instanceof Promise) verdict.then(conclude, fail)
      else conclude(verdict)
    } catch (error) {
      fail(error)
    }
  }

  #open(options: Omit<SessionOptions, 'peer'>, keepAlive: number): void {
    const { host, limits, metrics } = this.#share
    host.openSession({ ...options, peer: this }).then(
      ({ session, restored }) => {
        if (this.#state.phase === 'closed') return session.close({ kind: 'client-left' })
        const fail = (reason: string) => this.#violation(reason)
        this.#opened = {
          session,
          topics: new ClientTopicReader(options.identity),
          intake: new Intake(session, limits, () => this.#onProgress(), fail),
          deliveries: new Deliveries(options.identity, limits.outboundWindow, metrics),
        }
        this.#opened.deliveries.add(this.#early)
        this.#early = []
        this.#keepAlive(keepAlive)
        this.#expire(options.expiresAt)
        this.#advance({ kind: 'opened', restored })
      },
      error => this.#advance({ kind: 'not-opened', reason: describeError(error) }),
    )
  }

  #welcome(sessionPresent: boolean): void {
    this.#cutter.limit = this.#share.limits.maxPacketBytes
    this.#outlet.open(connack(0, sessionPresent))
    this.#read()
  }

  #turnAway(returnCode: number, reason: string, badLogin: boolean): void {
    const { logger, metrics, throttle } = this.#share
    const { address: peer } = this.#facts
    this.#timer.cancel()
    logger.log('warn', 'mqtt client refused', { client: this.#client, peer, returnCode, reason })
    const answer = () => this.#outlet.end(connack(returnCode, false))
    if (badLogin) {
      metrics.refusedLogins.add()
      throttle.refuse(peer, answer, () => this.#stream.destroy())
    } else answer()
  }

  #subscribe(messageId: number, subscriptions: readonly Subscription[], granted: readonly number[]): void {
    const { session } = this.#opened!
    this.#request(
      Promise.all(subscriptions.map(subscription => session.subscribe(subscription))).then(() =>
        this.#outlet.write(suback(messageId, granted)),
      ),
    )
  }

  #unsubscribe(messageId: number, subscriptions: readonly Subscription[]): void {
    const { session } = this.#opened!
    this.#request(
      Promise.all(subscriptions.map(subscription => session.unsubscribe(subscription))).then(() =>
        this.#outlet.write(unsuback(messageId)),
      ),
    )
  }

  #getTwin(requestId: string): void {
    this.#request(
      this.#opened!.session.getTwin().then(
        twin => this.#publish(formatHubTopic({ kind: 'twin-response', status: 200, requestId }), formatTwin(twin)),
        error => this.#failTwin(requestId, twinFailure(error)),
      ),
    )
  }

  #report(requestId: string | undefined, patch: JsonObject): void {
    this.#request(
      this.#opened!.session.report(patch).then(
        version => {
          if (requestId === undefined) return
          this.#publish(formatHubTopic({ kind: 'twin-response', status: 204, requestId, version }), '')
        },
        error => requestId !== undefined && this.#failTwin(requestId, twinFailure(error)),
      ),
    )
  }

  #failTwin(requestId: string, failure: TwinFailure): void {
    const trackingId = randomUUID()
    const { logger, clock } = this.#share
    logger.log('info', 'twin request failed', { client: this.#client, trackingId, reason: failure.message })
    const topic = formatHubTopic({ kind: 'twin-response', status: failure.status, requestId })
    this.#publish(topic, formatFailure(failure, trackingId, clock.now()))
  }

  #request(work: Promise<unknown>): void {
    this.#requests += 1
    const done = () => {
      this.#requests -= 1
      this.#onProgress()
    }
    work.then(done, error => {
      this.#violation(`a request could not be answered: ${describeError(error)}`)
      done()
    })
  }

  /** Twin and method topics go out with QoS 0. Source: wire reference, section 2.3. */
  #publish(topic: string, body: string): void {
    const writer = this.#share.writer.to(this.#outlet)
    writer.publish(topic, Buffer.from(body, 'utf8'), 0)
    writer.flush()
  }

  #pump(): void {
    if (this.#state.phase !== 'open' || this.#opened === undefined) return
    const state = this.#state
    this.#opened.deliveries.pump(this.#share.writer, this.#outlet, kind => grantedQos(state, kind))
  }

  /** Something became durable, was answered, or was taken by the client. */
  #onProgress(): void {
    if (this.#state.phase !== 'closed') {
      this.#opened?.intake.writeAcknowledgements(this.#share.writer.to(this.#outlet))
      this.#pump()
      this.#share.writer.flush()
      this.#setFlow()
    }
    this.#checkQuiet()
  }

  /** Reads on, or holds the client back: while it is looked up, has too much under way, or takes no answers. */
  #setFlow(): void {
    if (this.#onQuiet !== undefined) return
    const full = this.#opened?.intake.isFull || this.#requests >= this.#share.limits.maxRequests
    const paused = this.#state.phase === 'connecting' || full === true || this.#outlet.isCongested
    if (paused === this.#paused) return
    this.#paused = paused
    this.#heard = this.#share.clock.monotonic()
    if (paused) this.#stream.pause()
    else this.#stream.resume()
  }

  #checkQuiet(): void {
    if (this.#onQuiet === undefined) return
    const busy = this.#requests > 0 || this.#opened?.intake.isIdle === false
    if (!busy || this.#state.phase === 'closed') this.#onQuiet()
  }

  #keepAlive(asked: number): void {
    const { clock, limits } = this.#share
    const granted = asked === 0 ? limits.maxKeepAlive : Math.min(asked, limits.maxKeepAlive)
    const patience = granted * 1.5
    const check = () => {
      const silent = this.#paused ? 0 : clock.monotonic() - this.#heard
      if (silent >= patience) return this.#overdue('nothing was heard for one and a half times the keep-alive')
      this.#timer = clock.after(patience - silent, check)
    }
    this.#timer.cancel()
    check()
  }

  #expire(expiresAt: number | undefined): void {
    if (expiresAt === undefined) return
    this.#expiry = onExpiry(this.#share.clock, expiresAt, () => this.close({ kind: 'credentials-expired' }))
  }

  #violation(reason: string): void {
    this.#share.metrics.violations.add()
    this.#advance({ kind: 'violation', reason })
  }

  #overdue(reason: string): void {
    this.#advance({ kind: 'overdue', reason })
  }

  #end(end: SessionEnd, reason: string): void {
    const { logger } = this.#share
    const level = end.kind === 'protocol-error' ? 'warn' : 'debug'
    logger.log(level, 'mqtt connection closed', { client: this.#client, peer: this.#facts.address, reason })
    this.#timer.cancel()
    this.#expiry?.cancel()
    this.#methods.rejectAll(new EdgewrightError('METHOD_NO_CLIENT', 'The client has left'))
    this.#share.writer.flush()
    this.#outlet.end()
    this.#stream.resume()
    this.#opened?.session.close(end)
    this.#checkQuiet()
  }

  #onStreamClosed(): void {
    this.#timer.cancel()
    this.#outlet.close()
    this.#advance({ kind: 'lost' })
  }
}

/** Where the PUBLISH being read has its parts: reading one never pauses, so one serves all. */
const PARTS: PublishParts = { topicStart: 0, topicEnd: 0, bodyStart: 0, messageId: 0, retain: false }
