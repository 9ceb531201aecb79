import type { HubSession, Message, SendRefusal } from '@edgewright/core'
import type { TelemetryTopic } from '@edgewright/protocol'
import { AcknowledgementGroup, Acknowledgements } from './acknowledgements.js'
import type { PacketWriter } from './packet-writer.js'

/** How much of one client may be under way. */
export interface IntakeLimits {
  readonly inboundWindow: number
  readonly inboundBytes: number
}

/**
 * Takes in what one client publishes: gathers the messages of a chunk into one batch for the hub, and acknowledges in
 * order of arrival once they are durable.
 */
export class Intake {
  readonly #session: HubSession
  readonly #limits: IntakeLimits
  readonly #onProgress: () => void
  readonly #onFailure: (reason: string) => void
  readonly #acknowledgements = new Acknowledgements()
  #batch: Message[] = []
  #batchBytes = 0
  #group: AcknowledgementGroup | undefined
  #messages = 0
  #bytes = 0
  #batches = 0

  /**
   * @param onProgress - acknowledgements may be written, and more may be read
   * @param onFailure - a message was not taken, so the connection must end: MQTT 3.1.1 has no way to say so
   */
  constructor(session: HubSession, limits: IntakeLimits, onProgress: () => void, onFailure: (reason: string) => void) {
    this.#session = session
    this.#limits = limits
    this.#onProgress = onProgress
    this.#onFailure = onFailure
  }

  /** Whether so much is under way that nothing more should be read. */
  get isFull(): boolean {
    return this.#messages >= this.#limits.inboundWindow || this.#bytes >= this.#limits.inboundBytes
  }

  /** Whether everything taken in was answered for. */
  get isIdle(): boolean {
    return this.#batches === 0
  }

  /** A message; `messageId` is 0 with QoS 0. */
  message(topic: TelemetryTopic, body: Buffer, messageId: number, retain: boolean): void {
    const properties = retain ? new Map(topic.properties).set(RETAIN_PROPERTY, 'true') : topic.properties
    this.#batch.push({ body, properties, system: topic.system })
    this.#batchBytes += body.length
    if (messageId !== 0) this.acknowledge(messageId)
  }

  /** Anything else that wants a PUBACK: it gets one in its turn. */
  acknowledge(messageId: number): void {
    this.#group ??= new AcknowledgementGroup()
    this.#group.messageIds.push(messageId)
    this.#group.after.push(this.#batch.length)
  }

  /** Hands on what was gathered. @returns how many messages */
  commit(): number {
    const batch = this.#batch
    if (batch.length === 0 && this.#group === undefined) return 0
    const group = this.#group ?? new AcknowledgementGroup()
    this.#batch = []
    this.#group = undefined
    this.#acknowledgements.reserve(group)
    if (batch.length === 0) {
      group.taken = 0
      this.#onProgress()
      return 0
    }
    this.#send(batch, group, this.#batchBytes)
    this.#batchBytes = 0
    return batch.length
  }

  /** Writes the PUBACKs whose turn has come. */
  writeAcknowledgements(writer: PacketWriter): void {
    this.#acknowledgements.writeReady(writer)
  }

  /** A message that becomes durable elsewhere; acknowledged in its turn, or the connection must end. */
  elsewhere(bytes: number, messageId: number, work: Promise<void>): void {
    this.commit()
    const group = new AcknowledgementGroup()
    if (messageId !== 0) {
      group.messageIds.push(messageId)
      group.after.push(1)
    }
    this.#acknowledgements.reserve(group)
    const settle = this.#underWay(group, 1, bytes)
    work.then(
      () => settle(1, undefined),
      (error: unknown) => settle(0, `a message was not taken: ${describe(error)}`),
    )
  }

  #send(batch: readonly Message[], group: AcknowledgementGroup, bytes: number): void {
    const settle = this.#underWay(group, batch.length, bytes)
    this.#session.send(batch).then(
      refusals => (refusals.length === 0 ? settle(batch.length, undefined) : settle(...firstRefused(refusals))),
      (error: unknown) => settle(0, `messages could not be stored: ${describe(error)}`),
    )
  }

  /** Counts messages in, and with what it returns out again. */
  #underWay(group: AcknowledgementGroup, messages: number, bytes: number) {
    this.#messages += messages
    this.#bytes += bytes
    this.#batches += 1
    return (taken: number, failure: string | undefined) => {
      this.#messages -= messages
      this.#bytes -= bytes
      this.#batches -= 1
      group.taken = taken
      this.#onProgress()
      if (failure !== undefined) this.#onFailure(failure)
    }
  }
}

const RETAIN_PROPERTY = 'mqtt-retain'

/** What came before the first refused message was taken, and is acknowledged. */
function firstRefused(refusals: readonly SendRefusal[]): [taken: number, failure: string] {
  const first = refusals.reduce((a, b) => (b.index < a.index ? b : a))
  return [first.index, `a message was refused: ${first.error.code} ${first.error.message}`]
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
