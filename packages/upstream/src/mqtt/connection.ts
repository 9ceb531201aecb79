import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '@edgewright/core'
import mqtt, { type IPublishPacket, type Packet } from 'mqtt-packet'
import { withDeadline, withPatience } from '../network/deadline.js'
import { NetworkFailure } from '../network/failure.js'
import { GuardedSocket } from '../network/guarded-socket.js'
import { SilenceWatch } from '../network/silence-watch.js'
import { Acknowledgements } from './acknowledgements.js'
import { MqttPacketSplitter } from './packet-splitter.js'

/** A CONNECT that was answered with a refusal. */
export class MqttRefusal extends Error {
  constructor(
    /** 1 to 5: MQTT 3.1.1, section 3.2.2.3. */
    readonly returnCode: number,
  ) {
    super(`connect refused with code ${returnCode}`)
    this.name = 'MqttRefusal'
  }
}

/** What a connection needs, and how patient it is. Times are in milliseconds. */
export interface MqttConnectionOptions {
  readonly clock: Clock
  readonly clientId: string
  readonly username: string
  readonly password: string
  /** Until the CONNECT must have been answered. */
  readonly handshakeTimeout: number
  /** Until a packet that wants an acknowledgement must have got it. */
  readonly acknowledgeTimeout: number
  /** Without a sign of life for so long the connection counts as lost; one is asked for at half of it. */
  readonly silenceLimit: number
  readonly onMessage: (message: IPublishPacket) => void
  readonly onTraffic?: ((direction: 'in' | 'out', bytes: number) => void) | undefined
}

/** How long the peer may take to end the stream after a DISCONNECT. */
const CLOSE_TIMEOUT = 2_000

/** One MQTT 3.1.1 connection, from CONNECT to its end. It does not come back. */
export class MqttConnection {
  /** Resolves with the reason when the connection is gone, however that came about. */
  readonly lost: Promise<NetworkFailure>
  readonly #options: MqttConnectionOptions
  readonly #socket: GuardedSocket
  readonly #watch: SilenceWatch
  readonly #acknowledgements: Acknowledgements
  #quiet: Timer | undefined
  #onConnack: (returnCode: number) => void = () => undefined

  private constructor(stream: Duplex, options: MqttConnectionOptions) {
    const { clock, silenceLimit } = options
    let onLost: (failure: NetworkFailure) => void
    this.lost = new Promise(resolve => (onLost = resolve))
    this.#options = options
    this.#watch = new SilenceWatch(clock, silenceLimit, () =>
      this.#fail(new NetworkFailure('silent', `nothing for ${Math.round(silenceLimit / 1000)} s`)),
    )
    this.#acknowledgements = new Acknowledgements(clock, options.acknowledgeTimeout, () =>
      this.#fail(new NetworkFailure('silent', 'no acknowledgement in time')),
    )
    this.#socket = new GuardedSocket(stream, new MqttPacketSplitter(), {
      received: bytes => {
        this.#watch.heard()
        options.onTraffic?.('in', bytes)
      },
      sent: bytes => options.onTraffic?.('out', bytes),
      ended: failure => {
        this.#watch.stop()
        this.#acknowledgements.stop()
        this.#quiet?.cancel()
        onLost(failure)
      },
    })
    const parser = mqtt.parser({ protocolVersion: 4 })
    parser.on('packet', packet => this.#received(packet))
    parser.on('error', error => this.#fail(new NetworkFailure('protocol-error', error.message)))
    this.#socket.on('data', (data: Buffer) => void parser.parse(data))
  }

  /**
   * Connects over a stream.
   *
   * @throws NetworkFailure, MqttRefusal, or the signal's reason; the stream is destroyed then
   */
  static async open(stream: Duplex, options: MqttConnectionOptions, signal: AbortSignal): Promise<MqttConnection> {
    const connection = new MqttConnection(stream, options)
    try {
      const { clock, handshakeTimeout: delay } = options
      const expired = () => new NetworkFailure('protocol-error', 'no answer to the CONNECT in time')
      const returnCode = await withDeadline({ clock, delay, expired, signals: [signal] }, () => connection.#connect())
      if (returnCode !== 0) throw new MqttRefusal(returnCode)
      connection.#pingWhenQuiet()
      return connection
    } catch (error) {
      connection.#fail(error instanceof NetworkFailure ? error : new NetworkFailure('closed-by-peer', String(error)))
      throw error
    }
  }

  /** Whether the stream has more to write than it takes at once. */
  get congested(): boolean {
    return this.#socket.congested
  }

  /** Calls once when the stream takes more. */
  whenDrained(callback: () => void): void {
    this.#socket.whenDrained(callback)
  }

  /**
   * Publishes.
   *
   * @param onAcknowledged - makes it QoS 1, and is called when the peer has it; never, when the connection is lost before
   * @returns bytes sent
   */
  publish(topic: string, payload: Uint8Array, onAcknowledged?: () => void): number {
    const body = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    const message = { cmd: 'publish', topic, payload: body, dup: false, retain: false } as const
    if (onAcknowledged === undefined) return this.#send({ ...message, qos: 0 })
    return this.#send({ ...message, qos: 1, messageId: this.#acknowledgements.expect(onAcknowledged) })
  }

  /** Says that a message is dealt with. */
  acknowledge(messageId: number): void {
    this.#send({ cmd: 'puback', messageId })
  }

  /** @throws NetworkFailure when the peer refuses the filter, or is lost */
  async subscribe(topic: string): Promise<void> {
    const packet = await this.#answered(messageId => ({
      cmd: 'subscribe',
      messageId,
      subscriptions: [{ topic, qos: 1 }],
    }))
    const granted = packet.cmd === 'suback' ? Number(packet.granted[0]) : 0x80
    if (granted >= 0x80) throw new NetworkFailure('protocol-error', `the subscription to ${topic} was refused`)
  }

  /** @throws NetworkFailure when the peer is lost */
  async unsubscribe(topic: string): Promise<void> {
    await this.#answered(messageId => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [topic] }))
  }

  /** Ends the connection in good order, or cuts it when the peer does not follow. */
  async close(): Promise<void> {
    this.#send({ cmd: 'disconnect' })
    this.#socket.end()
    await withPatience(this.#options.clock, CLOSE_TIMEOUT, this.lost)
    this.#fail(new NetworkFailure('closed-by-peer', 'closed'))
  }

  #connect(): Promise<number> {
    const { clientId, username, password, silenceLimit } = this.#options
    const answered = new Promise<number>(resolve => (this.#onConnack = resolve))
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      username,
      password: Buffer.from(password, 'utf8'),
      keepalive: Math.min(1_177, Math.ceil(silenceLimit / 1000)),
    })
    return Promise.race([answered, this.lost.then(failure => Promise.reject(failure))])
  }

  #answered(packet: (messageId: number) => Packet): Promise<Packet> {
    const answer = new Promise<Packet>(resolve => this.#send(packet(this.#acknowledgements.expect(resolve))))
    return Promise.race([answer, this.lost.then(failure => Promise.reject(failure))])
  }

  #send(packet: Packet): number {
    const bytes = mqtt.generate(packet, { protocolVersion: 4 })
    this.#socket.write(bytes)
    return bytes.byteLength
  }

  #pingWhenQuiet(): void {
    const { clock, silenceLimit } = this.#options
    this.#quiet = clock.after(silenceLimit / 2, () => {
      this.#send({ cmd: 'pingreq' })
      this.#pingWhenQuiet()
    })
  }

  #received(packet: Packet): void {
    if (packet.cmd === 'connack') this.#onConnack(packet.returnCode ?? 0)
    else if (packet.cmd === 'publish') this.#options.onMessage(packet)
    else if (packet.messageId !== undefined) this.#acknowledgements.received(packet.messageId, packet)
  }

  #fail(failure: NetworkFailure): void {
    this.#socket.destroy(failure)
  }
}
