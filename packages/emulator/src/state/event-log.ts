import { messageSize } from '@edgewright/core'
import type { HubEvent, NewEvent } from './event.js'
import { Fifo } from './fifo.js'

/** How much the log holds. */
export interface EventLogOptions {
  /** Partitions, 1 to 32; fixed once a data folder exists. @default 4 */
  readonly partitions?: number
  /** Bytes of messages kept; the oldest go first. @default 256 MiB */
  readonly retainedBytes?: number
}

/** What applies where {@link EventLogOptions} says nothing. */
export const EVENT_LOG_DEFAULTS = Object.freeze({
  partitions: 4,
  retainedBytes: 268_435_456,
}) satisfies Required<EventLogOptions>

/** What a log counts towards its bound for every event beside the message itself. */
const OVERHEAD_BYTES = 256

interface Partition {
  readonly events: Fifo<HubEvent>
  /** Sequence number of the oldest event that is kept. */
  first: number
}

/** The position and time of what a partition ends with. */
export interface PartitionState {
  readonly firstSequenceNumber: number
  /** -1 when nothing was ever sent. */
  readonly lastSequenceNumber: number
  readonly lastOffset: string
  /** Milliseconds since 1970; 0 when nothing is kept. */
  readonly lastEnqueuedTime: number
  readonly isEmpty: boolean
}

/** The events of the hub, in partitions: appended in order, read by position by any number of readers. */
export class EventLog {
  readonly #partitions: readonly Partition[]
  readonly #retainedBytes: number
  readonly #now: () => number
  /** All that is kept, oldest first over all partitions: the order in which it is dropped. */
  readonly #order = new Fifo<HubEvent>()
  readonly #listeners = new Set<(event: HubEvent) => void>()
  #bytes = 0
  #taken = 0

  constructor(now: () => number, options: EventLogOptions = {}) {
    const { partitions, retainedBytes } = { ...EVENT_LOG_DEFAULTS, ...options }
    this.#partitions = Array.from({ length: partitions }, () => ({ events: new Fifo<HubEvent>(), first: 0 }))
    this.#retainedBytes = retainedBytes
    this.#now = now
  }

  get partitionCount(): number {
    return this.#partitions.length
  }

  /** Events that are kept, over all partitions. */
  get size(): number {
    return this.#order.length
  }

  /** Events that were ever taken, those put back from before a restart counted in. */
  get taken(): number {
    return this.#taken
  }

  /** The sequence number that each partition gives next. */
  nextSequenceNumbers(): readonly number[] {
    return this.#partitions.map(({ first, events }) => first + events.length)
  }

  /** Says where a partition without events goes on. */
  resume(partition: number, sequenceNumber: number): void {
    const found = this.#partition(partition)
    if (found.events.length === 0) found.first = sequenceNumber
  }

  /** The partition of a device: the same as long as the number of partitions is. */
  partitionOf(deviceId: string): number {
    return fnv1a(deviceId) % this.#partitions.length
  }

  append(event: NewEvent): HubEvent {
    const index = this.partitionOf(event.sender.deviceId)
    const partition = this.#partition(index)
    const sequenceNumber = partition.first + partition.events.length
    const stored: HubEvent = {
      sender: event.sender,
      generationId: event.generationId,
      authentication: event.authentication,
      source: event.source,
      message: event.message,
      partition: index,
      sequenceNumber,
      offset: String(sequenceNumber),
      enqueuedTime: this.#now(),
    }
    this.restore(stored)
    for (const listener of this.#listeners) listener(stored)
    return stored
  }

  /** Puts back an event that the log held before a restart; events of a partition come in their order. */
  restore(event: HubEvent): void {
    const partition = this.#partition(event.partition)
    if (partition.events.length === 0) partition.first = event.sequenceNumber
    partition.events.push(event)
    this.#order.push(event)
    this.#bytes += weight(event)
    this.#taken += 1
    while (this.#bytes > this.#retainedBytes && this.#order.length > 1) this.#dropOldest()
  }

  /** The event at a position, when it has come and is still kept. */
  at(partition: number, sequenceNumber: number): HubEvent | undefined {
    const { events, first } = this.#partition(partition)
    return events.at(sequenceNumber - first)
  }

  /** The first position that is not before `time` (milliseconds since 1970): where a reader starts that asks by time. */
  positionAt(partition: number, time: number): number {
    const { events, first } = this.#partition(partition)
    let low = 0
    let high = events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((events.at(middle) as HubEvent).enqueuedTime < time) low = middle + 1
      else high = middle
    }
    return first + low
  }

  state(partition: number): PartitionState {
    const { events, first } = this.#partition(partition)
    const last = events.at(events.length - 1)
    const lastSequenceNumber = first + events.length - 1
    return {
      firstSequenceNumber: first,
      lastSequenceNumber,
      lastOffset: String(lastSequenceNumber),
      lastEnqueuedTime: last?.enqueuedTime ?? 0,
      isEmpty: last === undefined,
    }
  }

  /** Tells of every event as it is appended. @returns stops it */
  watch(listener: (event: HubEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What is kept, in the order of arrival. */
  [Symbol.iterator](): IterableIterator<HubEvent> {
    return this.#order[Symbol.iterator]()
  }

  #dropOldest(): void {
    const event = this.#order.shift()
    if (event === undefined) return
    const partition = this.#partition(event.partition)
    partition.events.shift()
    partition.first += 1
    this.#bytes -= weight(event)
  }

  #partition(index: number): Partition {
    const partition = this.#partitions[index]
    if (partition === undefined) throw new RangeError(`There is no partition ${index}`)
    return partition
  }
}

function weight(event: HubEvent): number {
  return messageSize(event.message) + OVERHEAD_BYTES
}

/** FNV-1a over UTF-16 code units: stable over processes and machines. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}
