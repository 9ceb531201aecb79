import type { Duplex } from 'node:stream'
import { type Clock, describeError, type Logger, type Timer } from '@edgewright/core'
import type { IConnectPacket } from 'mqtt-packet'
import type { StoppableConnection } from '../connection-set.js'
import type { LoginThrottle } from '../login/login-throttle.js'
import type { PeerFacts } from '../listener/listener.js'
import { ReturnCode } from '../mqtt/connect-request.js'
import { KeepAlive } from '../keep-alive.js'
import { connack } from '../mqtt/packet-codec.js'
import { PacketCutter } from '../mqtt/packet-cutter.js'
import { PacketType } from '../mqtt/packet-type.js'
import { Outlet } from '../outlet.js'
import type { NormalTopicLimits } from './limits.js'
import type { TopicMetrics } from './metrics.js'
import type { ConnectRefusal } from './plain-connect.js'
import { type TopicLoginFacts, TopicStream } from './topic-stream.js'

/** What the connections of plain clients share. */
export interface PlainShare {
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: NormalTopicLimits
  readonly metrics: TopicMetrics
  readonly throttle: LoginThrottle
  /** Who the client is, or why it may not come in. */
  login(connect: IConnectPacket, peer: PeerFacts): Promise<TopicLoginFacts | ConnectRefusal>
  /** Hands over to aedes, with the CONNECT that it is to see first. */
  open(stream: TopicStream, connect: IConnectPacket): void
}

/** How a plain client came in, besides who it is. */
export interface PlainPeer extends PeerFacts {
  readonly transport: string
  /** Milliseconds in which it must be let in. */
  readonly connectTimeout: number
}

/** The connection of a client that IoT Hub does not know, between its socket and aedes. */
export class PlainConnection extends TopicStream implements StoppableConnection {
  readonly #stream: Duplex
  readonly #peer: PlainPeer
  readonly #share: PlainShare
  readonly #cutter: PacketCutter
  readonly #outlet: Outlet
  readonly #keepAlive: KeepAlive
  readonly #deadline: Timer
  #login: TopicLoginFacts | undefined
  /** Whether aedes takes more. */
  #isWanted = false
  #isOpen = false
  #isPaused = true
  #gathered: Buffer[] = []
  #gatheredBytes = 0
  #onQuiet: (() => void) | undefined

  /** @param stream - paused, its CONNECT read and what came after it put back */
  constructor(stream: Duplex, peer: PlainPeer, connect: IConnectPacket, share: PlainShare) {
    super()
    const { clock, limits } = share
    this.#stream = stream
    this.#peer = peer
    this.#share = share
    this.#cutter = new PacketCutter(limits.maxPacketBytes)
    this.#outlet = new Outlet(stream, clock, limits, () => this.fail('the client takes nothing of what it is sent'))
    this.#keepAlive = new KeepAlive(clock, () => this.fail('nothing was heard for one and a half times the keep-alive'))
    this.#deadline = clock.after(peer.connectTimeout, () => this.fail('not let in in time'))
    stream.on('error', () => undefined)
    stream.on('close', () => this.destroy())
    stream.on('drain', () => this.#onDrain())
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.pause()
    void this.#enter(connect)
  }

  override get login(): TopicLoginFacts {
    return this.#login!
  }

  override get isCongested(): boolean {
    return this.#outlet.isCongested
  }

  override get isOverfull(): boolean {
    return this.#stream.writableLength + this.writableLength > this.#share.limits.maxBufferedBytes
  }

  /** Reads nothing more, and resolves once what was read is stored and answered. */
  finish(): Promise<void> {
    return new Promise(resolve => {
      this.#onQuiet = resolve
      this.#setFlow()
      this.#checkQuiet()
    })
  }

  close(): void {
    this.destroy()
  }

  override _read(): void {
    this.#isWanted = true
    this.#feed()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { clock, logger } = this.#share
    const { address: peer, transport } = this.#peer
    const fields = { client: this.#login?.name, peer, transport, reason: error?.message }
    logger.log(error === null ? 'debug' : 'warn', 'topic client closed', fields)
    this.#deadline.cancel()
    this.#keepAlive.stop()
    this.session?.detach(this, clock.now())
    this.#flush()
    this.#outlet.end()
    this.#stream.resume()
    this.#checkQuiet()
    done(null)
  }

  /** What is sent in one turn of the event loop leaves in one write. */
  protected override send(bytes: Buffer): void {
    this.#gathered.push(bytes)
    this.#gatheredBytes += bytes.length
    if (this.#gatheredBytes >= WRITE_BYTES) this.#flush()
    else if (this.#gathered.length === 1) setImmediate(() => this.#flush())
  }

  protected override whenReady(done: () => void): void {
    if (this.isCongested && !this.destroyed) this.#stream.once('drain', done)
    else done()
  }

  protected override onBegin(): void {
    this.#isOpen = true
    this.#feed()
  }

  protected override onOrderProgress(): void {
    this.#checkQuiet()
    this.#feed()
  }

  #flush(): void {
    const gathered = this.#gathered
    if (gathered.length === 0) return
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#outlet.write(gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered))
  }

  async #enter(connect: IConnectPacket) {
    const { login, limits, open } = this.#share
    const unavailable = (error: unknown) => ({
      returnCode: ReturnCode.unavailable,
      reason: describeError(error),
      badLogin: false,
    })
    const verdict = await login(connect, this.#peer).catch(unavailable)
    if (this.destroyed) return
    this.#deadline.cancel()
    if ('returnCode' in verdict) return this.#refuse(verdict)
    this.#login = verdict
    const asked = (connect.keepalive ?? 0) * 1_000
    this.#keepAlive.start(1.5 * (asked === 0 ? limits.maxKeepAlive : Math.min(asked, limits.maxKeepAlive)))
    open(this, connect)
  }

  #refuse({ returnCode, reason, badLogin }: ConnectRefusal) {
    const { logger, metrics, throttle } = this.#share
    const { address: peer, transport } = this.#peer
    logger.log('warn', 'topic client refused', { peer, transport, returnCode, reason })
    const answer = () => {
      this.#outlet.end(connack(returnCode, false))
      this.destroy()
    }
    if (!badLogin) return answer()
    metrics.refusedLogins.add()
    throttle.refuse(peer, answer, () => this.#stream.destroy())
  }

  #onData(chunk: Buffer): void {
    if (this.destroyed) return
    this.#keepAlive.heard()
    this.#cutter.append(chunk)
    this.#feed()
  }

  /** Gives aedes whole packets, as long as it takes them. */
  #feed() {
    while (this.#isOpen && this.#isWanted && !this.#isFull && !this.destroyed) {
      const cut = this.#cutter.next()
      if (cut === 'incomplete') break
      const fault = cut === 'packet' ? this.#faultOf(this.#cutter) : FAULTS[cut]
      if (fault !== undefined) return this.fail(fault)
      this.#isWanted = this.push(this.#cutter.packet())
    }
    this.#setFlow()
  }

  #faultOf({ first, bytes, start, end }: PacketCutter): string | undefined {
    const { maxControlBytes, maxTopicBytes } = this.#share.limits
    if (first >>> 4 !== PacketType.publish) {
      return end - start > maxControlBytes ? FAULTS['too-long'] : undefined
    }
    const topicBytes = end - start < 2 ? 0 : (bytes[start]! << 8) | bytes[start + 1]!
    return topicBytes > maxTopicBytes ? 'a topic longer than allowed' : undefined
  }

  get #isFull(): boolean {
    const { inboundWindow, inboundBytes } = this.#share.limits
    return this.order.length >= inboundWindow || this.order.bytes >= inboundBytes || this.#onQuiet !== undefined
  }

  /** Reads on, or holds the client back: while it is judged, has too much under way, or takes no answers. */
  #setFlow(): void {
    if (this.destroyed) return
    const isPaused = !this.#isOpen || !this.#isWanted || this.#isFull || this.isCongested
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    this.#keepAlive.setDeaf(isPaused)
    if (isPaused) this.#stream.pause()
    else this.#stream.resume()
  }

  #onDrain(): void {
    this.session?.wake()
    this.#feed()
  }

  #checkQuiet(): void {
    if (this.order.length === 0 || this.destroyed) this.#onQuiet?.()
  }
}

/** Bytes after which a write leaves although more may follow. */
const WRITE_BYTES = 65_536

const FAULTS = Object.freeze({ 'too-long': 'a packet longer than allowed', malformed: 'a malformed fixed header' })
