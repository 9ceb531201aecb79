import type { Clock } from '@edgewright/core'
import mqttPacket, { type Packet } from 'mqtt-packet'
import type { SessionDelivery } from './topic-session.js'
import type { TopicMessage } from './topic-message.js'
import { type TopicLoginFacts, TopicStream } from './topic-stream.js'

/** What the client of a {@link TopicLink} is told. */
export interface TopicLinkEvents {
  /** A message for the client; with QoS 1, `settle` says that it has it. */
  onDelivery(delivery: TopicDelivery): void
  /** Bytes of what was delivered and waits to be taken. */
  backlog(): number
  /** The link has failed, and the client must go. */
  onFailure(reason: string): void
}

/** A message on its way from a free topic to an IoT Hub client. */
export interface TopicDelivery {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1
  readonly retain: boolean
  readonly redelivered: boolean
  settle(): void
}

/** What a {@link TopicLink} works with. */
export interface LinkParts {
  readonly clock: Clock
  readonly maxBufferedBytes: number
  publish(link: TopicLink, message: TopicMessage): Promise<void>
}

/** The end of an IoT Hub client's session that uses free topics: aedes takes it for one of its own clients. */
export class TopicLink extends TopicStream {
  readonly login: TopicLoginFacts
  readonly #events: TopicLinkEvents
  readonly #parts: LinkParts
  readonly #parser = mqttPacket.parser({ protocolVersion: 4 })
  readonly #answers = new Map<number, (granted: readonly number[]) => void>()
  #lastId = 0
  #held: Buffer[] | undefined = []

  constructor(login: TopicLoginFacts, parts: LinkParts, events: TopicLinkEvents) {
    super()
    this.login = login
    this.#parts = parts
    this.#events = events
    this.#parser.on('packet', packet => this.#onPacket(packet))
    this.#parser.on('error', error => this.fail(error))
  }

  override get isCongested(): boolean {
    return this.#events.backlog() > this.#parts.maxBufferedBytes / 4
  }

  override get isOverfull(): boolean {
    return this.#events.backlog() > this.#parts.maxBufferedBytes
  }

  /** Resolves when the message is durable. @throws when the client may not publish it, or it was not stored */
  publish(message: TopicMessage): Promise<void> {
    return this.#parts.publish(this, message)
  }

  /**
   * Asks for filters, each with QoS 1 at most.
   *
   * @returns what was granted to each, 128 to what was refused; undefined when the link has ended
   */
  async subscribe(requests: readonly { readonly filter: string; readonly qos: 0 | 1 }[]) {
    // Aedes answers a filter that is asked for twice once.
    const wanted = new Map(requests.map(({ filter, qos }) => [filter, qos]))
    const subscriptions = Array.from(wanted, ([topic, qos]) => ({ topic, qos }))
    const codes = await this.#ask(messageId => ({ cmd: 'subscribe', messageId, subscriptions }))
    const granted = new Map([...wanted.keys()].map((filter, index) => [filter, codes[index]]))
    return requests.map(({ filter }) => granted.get(filter))
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#ask(messageId => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [...filters] }))
  }

  /** What was delivered was taken: more may come. */
  onDrain(): void {
    this.session?.wake()
  }

  override deliver({ topic, payload, qos, messageId, retain, redelivered }: SessionDelivery): void {
    const settle = () => this.session?.acknowledge(messageId)
    this.#events.onDelivery({ topic, payload, qos: qos === 0 ? 0 : 1, retain, redelivered, settle })
  }

  override _read(): void {}

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const answer of this.#answers.values()) answer([])
    this.session?.detach(this, this.#parts.clock.now())
    if (error !== null) this.#events.onFailure(error.message)
    done(null)
  }

  protected override send(bytes: Buffer): void {
    this.#parser.parse(bytes)
  }

  protected override whenReady(done: () => void): void {
    done()
  }

  protected override onBegin(): void {
    for (const bytes of this.#held ?? []) this.push(bytes)
    this.#held = undefined
  }

  protected override onOrderProgress(): void {}

  #ask(packet: (messageId: number) => Packet): Promise<readonly number[]> {
    if (this.destroyed) return Promise.reject(new Error('the link to free topics has ended'))
    this.#lastId = (this.#lastId % 65_535) + 1
    const id = this.#lastId
    const bytes = mqttPacket.generate(packet(id))
    if (this.#held === undefined) this.push(bytes)
    else this.#held.push(bytes)
    return new Promise(resolve => this.#answers.set(id, resolve))
  }

  #onPacket(packet: Packet): void {
    if (packet.cmd === 'publish') {
      const { topic, qos, retain } = packet
      const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
      this.#events.onDelivery({ topic, payload, qos: qos === 0 ? 0 : 1, retain, redelivered: false, settle: nothing })
    } else if (packet.cmd === 'suback' || packet.cmd === 'unsuback') {
      const answer = this.#answers.get(packet.messageId!)
      this.#answers.delete(packet.messageId!)
      answer?.(packet.cmd === 'suback' ? (packet.granted as number[]) : [])
    }
  }
}

function nothing(): void {}
