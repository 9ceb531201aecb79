import type { Duplex } from 'node:stream'
import {
  type Authentication,
  type Clock,
  describeError,
  identityKey,
  type Logger,
  type SessionEnd,
  type SessionHost,
  type SessionOptions,
  type Timer,
} from '@edgewright/core'
import { type ClientTopic, ClientTopicReader, type TelemetryTopic } from '@edgewright/protocol'
import type { Packet } from 'mqtt-packet'
import type { FreeTopics } from '../free-topics/free-topics.js'
import type { PeerFacts } from '../listener/listener.js'
import { onExpiry } from '../login/expiry.js'
import type { LoginThrottle } from '../login/login-throttle.js'
import { MqttClient } from './client.js'
import type { ConnectRequest } from './connect-request.js'
import { GatedOutlet } from './gated-outlet.js'
import { KeepAlive } from '../keep-alive.js'
import type { NormalMqttLimits } from './limits.js'
import type { MqttMetrics } from './metrics.js'
import { connack, PINGRESP } from './packet-codec.js'
import { type PacketHandler, PacketReader } from './packet-reader.js'
import type { PacketWriter } from './packet-writer.js'
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
  /** Absent: plain clients, and topics that are not IoT Hub's, are refused. */
  readonly topics?: FreeTopics | undefined
}

/** What is known of a client before it says anything. */
export interface ConnectionFacts extends PeerFacts {
  /** For the log: `mqtt`, `mqtt-ws`. */
  readonly transport: string
}

/** One MQTT connection: packets to the session's state machine, its effects to the socket and to the client. */
export class MqttConnection implements PacketHandler {
  readonly #share: ConnectionShare
  readonly #facts: ConnectionFacts
  readonly #stream: Duplex
  readonly #reader: PacketReader
  readonly #outlet: GatedOutlet
  readonly #keepAlive: KeepAlive
  #state: SessionState
  #client: MqttClient | undefined
  /** Only while the session is being opened: most clients are idle, and many. */
  #waiting: AbortController | undefined
  #name: string
  /** Ends the login that takes too long, and later the session whose credentials have lapsed. */
  #deadline: Timer | undefined
  #isPaused = false
  #onQuiet: (() => void) | undefined

  constructor(stream: Duplex, facts: ConnectionFacts, share: ConnectionShare) {
    const { clock, limits, logger } = share
    this.#share = share
    this.#facts = facts
    this.#stream = stream
    this.#name = facts.address
    this.#state = newSession(facts)
    this.#reader = new PacketReader(limits.maxConnectBytes, this)
    this.#outlet = new GatedOutlet(stream, clock, limits, () => this.#overdue(TAKES_NOTHING))
    this.#keepAlive = new KeepAlive(clock, () => this.#overdue(SILENT))
    this.#deadline = clock.after(limits.connectTimeout, () => this.#overdue('no accepted CONNECT in time'))
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('drain', () => this.#onProgress())
    stream.on('error', error => logger.log('debug', 'mqtt connection failed', { client: this.#name, error }))
    stream.on('close', () => this.#advance({ kind: 'lost' }))
  }

  /** Ends the session and the connection. */
  close(end: SessionEnd): void {
    this.#advance({ kind: 'ended', end })
  }

  /** Reads nothing more, and resolves once what was read is stored and acknowledged. */
  finish(): Promise<void> {
    return new Promise(resolve => {
      this.#onQuiet = resolve
      this.#setFlow()
      this.#checkQuiet()
    })
  }

  onTelemetry(topic: TelemetryTopic, body: Buffer, messageId: number, retain: boolean): void {
    this.#client?.take(topic, body, messageId, retain)
  }

  onControl(topic: Exclude<ClientTopic, TelemetryTopic>, body: Buffer, messageId: number): void {
    if (messageId !== 0) this.#client?.acknowledge(messageId)
    this.#advance({ kind: 'control', topic, body })
  }

  onOtherTopic(topic: string, body: Buffer, messageId: number, retain: boolean, reason: string): void {
    if (this.#client?.publish(topic, body, messageId, retain) !== true) this.onViolation(reason)
  }

  onPuback(messageId: number): void {
    this.#client?.settle(messageId)
  }

  onPacket(packet: Packet): void {
    this.#advance({ kind: 'packet', packet })
  }

  onForeignVersion(level: number): void {
    this.#advance({ kind: 'foreign-version', level })
  }

  onViolation(reason: string): void {
    this.#share.metrics.violations.add()
    this.#advance({ kind: 'violation', reason })
  }

  #onData(chunk: Buffer): void {
    if (this.#state.phase === 'closed') return
    this.#keepAlive.heard()
    this.#reader.append(chunk)
    this.#read()
  }

  /** Reads packets until there is none, or until who the client is has to be found out first. */
  #read(): void {
    while ((this.#state.phase === 'new' || this.#state.phase === 'open') && this.#reader.next());
    this.#client?.commit()
    this.#onProgress()
  }

  #advance(input: SessionInput): void {
    const { state, effects } = advance(this.#state, input)
    // What came before the end counts.
    if (state.phase === 'closed') this.#client?.commit()
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
      case 'close':
        return this.#end(effect.end, effect.reason)
      case 'pong':
        return this.#share.writer.to(this.#outlet).packet(PINGRESP)
      default:
        return this.#client?.perform(effect)
    }
  }

  #authenticate(request: ConnectRequest): void {
    this.#name = identityKey(request.identity)
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
    const { host, limits } = this.#share
    const { identity, expiresAt, persistent } = options
    const { transport } = this.#facts
    const client = new MqttClient({ identity, persistent, transport }, this.#share, this.#outlet, {
      onProgress: () => this.#onProgress(),
      onFailure: reason => this.onViolation(reason),
      onEnd: end => this.close(end),
    })
    this.#client = client
    this.#waiting = new AbortController()
    host.openSession({ ...options, peer: client, signal: this.#waiting.signal }).then(
      ({ session, restored }) => {
        this.#waiting = undefined
        if (this.#state.phase === 'closed') return session.close({ kind: 'client-left' })
        const topicsRestored = client.open(session)
        this.#reader.open(new ClientTopicReader(identity), limits.maxPacketBytes)
        this.#startTimes(keepAlive, expiresAt)
        this.#advance({ kind: 'opened', restored, topicsRestored })
      },
      error => this.#advance({ kind: 'not-opened', reason: describeError(error) }),
    )
  }

  #startTimes(asked: number, expiresAt: number | undefined): void {
    const { clock, limits } = this.#share
    this.#deadline?.cancel()
    const lapse = () => this.close({ kind: 'credentials-expired' })
    this.#deadline = expiresAt === undefined ? undefined : onExpiry(clock, expiresAt, lapse)
    const granted = asked === 0 ? limits.maxKeepAlive : Math.min(asked, limits.maxKeepAlive)
    this.#keepAlive.start(granted * 1.5)
  }

  #welcome(sessionPresent: boolean): void {
    this.#outlet.open(connack(0, sessionPresent))
    this.#read()
  }

  #turnAway(returnCode: number, reason: string, badLogin: boolean): void {
    const { logger, metrics, throttle } = this.#share
    const { address: peer } = this.#facts
    this.#deadline?.cancel()
    logger.log('warn', 'mqtt client refused', { client: this.#name, peer, returnCode, reason })
    const answer = () => this.#outlet.end(connack(returnCode, false))
    if (badLogin) {
      metrics.refusedLogins.add()
      throttle.refuse(peer, answer, () => this.#stream.destroy())
    } else answer()
  }

  /** Something became durable, was answered, or was taken by the client. */
  #onProgress(): void {
    const { writer } = this.#share
    const state = this.#state
    if (state.phase === 'open') this.#client?.write(writer, kind => grantedQos(state, kind))
    if (state.phase !== 'closed') {
      writer.to(this.#outlet).flush()
      this.#setFlow()
    }
    this.#checkQuiet()
  }

  /** Reads on, or holds the client back: while it is looked up, has too much under way, or takes no answers. */
  #setFlow(): void {
    // Who waits to be let in is read until it says more, so that it is noticed when it leaves.
    const isEarly = this.#state.phase === 'connecting' && !this.#reader.isEmpty
    const isBusy = isEarly || this.#client?.isFull === true
    const isPaused = isBusy || this.#outlet.isCongested || this.#onQuiet !== undefined
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    this.#keepAlive.setDeaf(isPaused)
    if (isPaused) this.#stream.pause()
    else this.#stream.resume()
  }

  #checkQuiet(): void {
    if (this.#client?.isQuiet !== false || this.#state.phase === 'closed') this.#onQuiet?.()
  }

  #overdue(reason: string): void {
    this.#advance({ kind: 'overdue', reason })
  }

  #end(end: SessionEnd, reason: string): void {
    const level = end.kind === 'protocol-error' ? 'warn' : 'debug'
    const { address: peer } = this.#facts
    this.#share.logger.log(level, 'mqtt connection closed', { client: this.#name, peer, reason })
    this.#deadline?.cancel()
    this.#waiting?.abort(new Error(reason))
    this.#keepAlive.stop()
    this.#share.writer.to(this.#outlet).flush()
    this.#outlet.end()
    this.#stream.resume()
    this.#client?.leave(end)
    this.#checkQuiet()
  }
}

const TAKES_NOTHING = 'the client takes nothing of what it is sent'
const SILENT = 'nothing was heard for one and a half times the keep-alive'
