import type { Position } from '@edgewright/core'

/** A message under way under a packet identifier. */
export interface SentMessage {
  /** Where it stands in the queue; undefined once the client has it and it is to be released. */
  position: Position | undefined
  readonly qos: 1 | 2
  /** Bytes of its entry in the queue. */
  bytes: number
  /** Whether it was sent to the client that is connected now. */
  isUnderWay: boolean
}

/** The packet identifiers of one session's messages to its client; they hold over its connections [MQTT-4.4.0-1]. */
export class OutgoingIds {
  readonly #sent = new Map<number, SentMessage>()
  readonly #byPosition = new Map<Position, number>()
  #last = 0
  #underWay = 0

  /** How many were sent to the client that is connected now and wait for its answer. */
  get underWay(): number {
    return this.#underWay
  }

  all(): readonly number[] {
    return [...this.#sent.keys()]
  }

  /** Those for which PUBREL was sent. */
  released(): readonly number[] {
    return this.all().filter(id => this.#sent.get(id)?.position === undefined)
  }

  /** An identifier that is not under way. */
  next(): number {
    do this.#last = (this.#last % MAX_IDENTIFIER) + 1
    while (this.#sent.has(this.#last))
    return this.#last
  }

  add(position: Position, qos: 1 | 2, bytes: number): number {
    const id = this.next()
    this.#set(id, { position, qos, bytes, isUnderWay: true })
    this.#underWay += 1
    return id
  }

  /** What the store knows from before. */
  restore(id: number, position: Position | undefined): void {
    this.#set(id, { position, qos: 2, bytes: 0, isUnderWay: false })
    this.#last = Math.max(this.#last, id)
  }

  /** Another connection: nothing was sent over it yet. */
  reconnect(): void {
    this.#underWay = 0
    for (const sent of this.#sent.values()) sent.isUnderWay = false
  }

  /** What was sent before is sent again, as it was; undefined when it was not. */
  resend(position: Position, bytes: number): { readonly messageId: number; readonly qos: 1 | 2 } | undefined {
    const messageId = this.#byPosition.get(position)
    const sent = messageId === undefined ? undefined : this.#sent.get(messageId)
    if (messageId === undefined || sent === undefined) return undefined
    if (!sent.isUnderWay) this.#underWay += 1
    sent.isUnderWay = true
    sent.bytes = bytes
    return { messageId, qos: sent.qos }
  }

  /** The client has a QoS 2 message. @returns where it stood; undefined when there is none, or it had it before */
  release(id: number): { readonly position: Position; readonly bytes: number } | undefined {
    const sent = this.#sent.get(id)
    if (sent?.qos !== 2 || sent.position === undefined) return undefined
    const { position, bytes } = sent
    this.#byPosition.delete(position)
    sent.position = undefined
    return { position, bytes }
  }

  /** The message is done with; undefined when nothing is under way under that identifier. */
  remove(id: number): SentMessage | undefined {
    const sent = this.#sent.get(id)
    if (sent === undefined) return undefined
    this.#sent.delete(id)
    if (sent.position !== undefined) this.#byPosition.delete(sent.position)
    if (sent.isUnderWay) this.#underWay -= 1
    return sent
  }

  #set(id: number, sent: SentMessage): void {
    this.#sent.set(id, sent)
    if (sent.position !== undefined) this.#byPosition.set(sent.position, id)
  }
}

const MAX_IDENTIFIER = 65_535
