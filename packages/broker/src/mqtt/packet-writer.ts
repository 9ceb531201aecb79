/** Where gathered packets go. */
export interface PacketSink {
  write(bytes: Buffer): void
}

/**
 * Gathers outgoing packets, so that what is answered in one go leaves in one write.
 *
 * One writer serves all connections of a front-end: turning to another sink sends off what was gathered for the last,
 * and whoever gathers flushes before giving up control.
 */
export class PacketWriter {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #filled = 0
  #parts: Buffer[] = []
  #pending = 0
  #sink: PacketSink | undefined

  /** Turns to a sink: what is gathered from now on is for it. */
  to(sink: PacketSink): this {
    if (this.#sink !== sink) {
      this.flush()
      this.#sink = sink
    }
    return this
  }

  /** Bytes gathered and not sent off. */
  get pending(): number {
    return this.#pending + this.#filled
  }

  /** Sends off everything gathered. */
  flush(): void {
    this.#spill()
    const parts = this.#parts
    if (parts.length === 0) return
    this.#parts = []
    this.#pending = 0
    this.#sink?.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
  }

  /** A packet that is encoded already. */
  packet(bytes: Buffer): void {
    this.#spill()
    this.#part(bytes)
  }

  /** A PUBACK. */
  puback(messageId: number): void {
    if (this.#filled + 4 > SCRATCH_BYTES) this.#spill()
    let at = this.#filled
    this.#scratch[at++] = 0x40
    this.#scratch[at++] = 2
    this.#scratch[at++] = messageId >>> 8
    this.#scratch[at++] = messageId & 0xff
    this.#filled = at
  }

  /**
   * A PUBLISH; `messageId` counts only with QoS 1.
   *
   * @param topic - at most 65,535 bytes of UTF-8, as the caller has seen to
   */
  publish(topic: string, body: Uint8Array, qos: 0 | 1, messageId = 0, redelivered = false, retain = false): void {
    const topicLength = Buffer.byteLength(topic, 'utf8')
    const length = 2 + topicLength + 2 * qos + body.length
    const whole = length + MAX_FIXED_HEADER
    if (this.#filled + whole > SCRATCH_BYTES) this.#spill()
    const target = whole > SCRATCH_BYTES ? Buffer.allocUnsafe(whole) : this.#scratch
    let at = target === this.#scratch ? this.#filled : 0
    target[at++] = 0x30 | (redelivered && qos === 1 ? 0x08 : 0) | (qos << 1) | (retain ? 1 : 0)
    at = writeLength(target, at, length)
    target[at++] = topicLength >>> 8
    target[at++] = topicLength & 0xff
    at += target.write(topic, at, 'utf8')
    if (qos === 1) {
      target[at++] = messageId >>> 8
      target[at++] = messageId & 0xff
    }
    target.set(body, at)
    at += body.length
    if (target === this.#scratch) this.#filled = at
    else this.#part(target.subarray(0, at))
  }

  #spill(): void {
    if (this.#filled === 0) return
    this.#part(Buffer.from(this.#scratch.subarray(0, this.#filled)))
    this.#filled = 0
  }

  #part(bytes: Buffer): void {
    this.#parts.push(bytes)
    this.#pending += bytes.length
  }
}

const SCRATCH_BYTES = 65_536
const MAX_FIXED_HEADER = 5

function writeLength(target: Buffer, at: number, length: number): number {
  let rest = length
  while (rest > 127) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}
