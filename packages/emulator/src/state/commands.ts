import { randomUUID } from 'node:crypto'
import { type Clock, type Identity, type IdentityKey, identityKey, type Message, type Timer } from '@edgewright/core'
import type { Feedback, FeedbackStatus } from './feedback.js'
import { HubError } from './hub-error.js'
import type { Registry } from './registry.js'
import { type CommandDelivery, deliveredMessage, type StoredCommand, storedCommand } from './stored-command.js'
import type { Table } from './table.js'

/** How cloud-to-device messages are kept. Source: IoT Hub developer guide, cloud-to-device messages. */
export interface CommandOptions {
  /** Messages that may wait for one identity. @default 50 */
  readonly queueLength?: number
  /** Milliseconds after which a delivery that was not settled is given again. @default 1 minute */
  readonly lockDuration?: number
  /** Deliveries after which a message is dead. @default 10 */
  readonly maxDeliveryCount?: number
  /** Milliseconds that a message lives that does not say itself. @default 1 hour */
  readonly timeToLive?: number
}

/** What applies where {@link CommandOptions} says nothing. */
export const COMMAND_DEFAULTS = Object.freeze({
  queueLength: 50,
  lockDuration: 60_000,
  maxDeliveryCount: 10,
  timeToLive: 3_600_000,
}) satisfies Required<CommandOptions>

/** The largest cloud-to-device message, in bytes. */
export const MAX_COMMAND_BYTES = 65_536

interface Lock {
  readonly token: string
  readonly timer: Timer
}

/** What the queues stand on. */
export interface CommandsOptions {
  readonly records: Table<StoredCommand>
  readonly registry: Registry
  readonly clock: Clock
  readonly limits?: CommandOptions | undefined
  /** Called when there may be something to {@link Commands.receive}. */
  readonly available: (identity: Identity) => void
  /** Called with what became of a message whose sender wanted to know. */
  readonly feedback: (feedback: Feedback) => void
}

/** Cloud-to-device messages: a queue per identity, peek-lock, expiry, delivery counts and feedback. */
export class Commands {
  readonly #options: CommandsOptions
  readonly #limits: Required<CommandOptions>
  readonly #queues = new Map<IdentityKey, Map<number, StoredCommand>>()
  /** Locks by sequence number, which is unique over all queues. */
  readonly #locks = new Map<number, Lock>()
  #nextSequenceNumber = 1

  constructor(options: CommandsOptions) {
    this.#options = options
    this.#limits = { ...COMMAND_DEFAULTS, ...options.limits }
    for (const command of options.records.values()) {
      this.#queue(command.identity).set(command.sequenceNumber, command)
      this.#nextSequenceNumber = Math.max(this.#nextSequenceNumber, command.sequenceNumber + 1)
    }
    options.registry.watch(({ kind, entry }) => {
      if (kind === 'removed') this.#forget(entry.identity)
    })
  }

  /** How many messages wait for an identity. */
  count(identity: Identity): number {
    this.#expire(identity)
    return this.#queue(identity).size
  }

  /** @throws `HUB_DEVICE_NOT_FOUND`, `HUB_QUEUE_FULL`, `HUB_MESSAGE_TOO_LARGE`, `HUB_ARGUMENT_INVALID` (expiry) */
  send(identity: Identity, message: Message): void {
    this.#options.registry.get(identity)
    if (message.body.byteLength > MAX_COMMAND_BYTES) {
      throw new HubError('MessageTooLarge', `A cloud-to-device message may hold ${MAX_COMMAND_BYTES} bytes`)
    }
    if (this.count(identity) >= this.#limits.queueLength) {
      throw new HubError('DeviceMaximumQueueDepthExceeded', `${this.#limits.queueLength} messages wait already`)
    }
    const enqueuedTime = this.#options.clock.now()
    const expiresAt = this.#expiry(message, enqueuedTime)
    this.#put(storedCommand(message, { identity, sequenceNumber: this.#nextSequenceNumber++, enqueuedTime, expiresAt }))
    this.#options.available(identity)
  }

  /** The oldest message that nobody has been given, now locked. */
  receive(identity: Identity): CommandDelivery | undefined {
    this.#expire(identity)
    for (const command of this.#queue(identity).values()) {
      if (this.#locks.has(command.sequenceNumber)) continue
      const token = randomUUID()
      const timer = this.#options.clock.after(this.#limits.lockDuration, () => this.#lapse(identity, token))
      this.#locks.set(command.sequenceNumber, { token, timer })
      return { lockToken: token, message: deliveredMessage(command, token) }
    }
    return undefined
  }

  /** The client has done with it. @returns false when the lock is lost */
  complete(identity: Identity, lockToken: string): boolean {
    return this.#settle(identity, lockToken, 'Success')
  }

  /** The client will never take it. @returns false when the lock is lost */
  reject(identity: Identity, lockToken: string): boolean {
    return this.#settle(identity, lockToken, 'Rejected')
  }

  /** The client wants it given again; after too many times it is dead. @returns false when the lock is lost */
  abandon(identity: Identity, lockToken: string): boolean {
    const command = this.#unlock(identity, lockToken)
    if (command === undefined) return false
    const deliveryCount = command.deliveryCount + 1
    if (deliveryCount >= this.#limits.maxDeliveryCount) this.#end(command, 'DeliveryCountExceeded')
    else this.#put({ ...command, deliveryCount })
    this.#options.available(identity)
    return true
  }

  /** Throws all of an identity's messages away. @returns how many there were */
  purge(identity: Identity): number {
    this.#options.registry.get(identity)
    const commands = [...this.#queue(identity).values()]
    for (const command of commands) this.#end(command, 'Purged')
    return commands.length
  }

  /** Nobody settled it in time: that is no delivery that failed. */
  #lapse(identity: Identity, lockToken: string): void {
    if (this.#unlock(identity, lockToken) !== undefined) this.#options.available(identity)
  }

  #expiry({ system }: Message, enqueuedTime: number): number {
    if (system.expiryTime === undefined) return enqueuedTime + this.#limits.timeToLive
    const expiresAt = Date.parse(system.expiryTime)
    if (Number.isNaN(expiresAt)) throw new HubError('ArgumentInvalid', 'The expiry time cannot be read')
    return expiresAt
  }

  #settle(identity: Identity, lockToken: string, status: FeedbackStatus): boolean {
    const command = this.#unlock(identity, lockToken)
    if (command === undefined) return false
    this.#end(command, status)
    return true
  }

  #unlock(identity: Identity, lockToken: string): StoredCommand | undefined {
    for (const command of this.#queue(identity).values()) {
      const lock = this.#locks.get(command.sequenceNumber)
      if (lock?.token !== lockToken) continue
      lock.timer.cancel()
      this.#locks.delete(command.sequenceNumber)
      return command
    }
    return undefined
  }

  #expire(identity: Identity): void {
    const now = this.#options.clock.now()
    for (const command of [...this.#queue(identity).values()]) {
      if (command.expiresAt <= now && !this.#locks.has(command.sequenceNumber)) this.#end(command, 'Expired')
    }
  }

  #end(command: StoredCommand, statusCode: FeedbackStatus): void {
    const { identity, sequenceNumber, system } = command
    this.#queue(identity).delete(sequenceNumber)
    this.#options.records.delete(String(sequenceNumber))
    this.#locks.get(sequenceNumber)?.timer.cancel()
    this.#locks.delete(sequenceNumber)
    const wanted = system.ack === 'full' || system.ack === (statusCode === 'Success' ? 'positive' : 'negative')
    const generationId = this.#options.registry.find(identity)?.generationId
    if (!wanted || generationId === undefined) return
    this.#options.feedback({
      originalMessageId: system.messageId ?? '',
      identity,
      generationId,
      statusCode,
      enqueuedTime: this.#options.clock.now(),
    })
  }

  #forget(identity: Identity): void {
    for (const [sequenceNumber] of this.#queue(identity)) {
      this.#options.records.delete(String(sequenceNumber))
      this.#locks.get(sequenceNumber)?.timer.cancel()
      this.#locks.delete(sequenceNumber)
    }
    this.#queues.delete(identityKey(identity))
  }

  #put(command: StoredCommand): void {
    this.#queue(command.identity).set(command.sequenceNumber, command)
    this.#options.records.set(String(command.sequenceNumber), command)
  }

  #queue(identity: Identity): Map<number, StoredCommand> {
    const key = identityKey(identity)
    let queue = this.#queues.get(key)
    if (queue === undefined) this.#queues.set(key, (queue = new Map()))
    return queue
  }
}
