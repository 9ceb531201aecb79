import type { QueueReference } from '@edgewright/core'
import { type Address, offsetOf, packPayload, segmentOf } from '../catalog/address.js'
import type { LogQueue } from '../catalog/log-queue.js'
import type { LogTable, Row } from '../catalog/log-table.js'
import type { Segment } from '../catalog/segment.js'
import { MAX_VARINT_BYTES, writeVarint } from '../format/bytes.js'
import { encodeExpiry, Item, type Reference } from '../format/items.js'
import { END, FENCE, RECORD_HEADER_BYTES, RECORD_TARGET_BYTES, sealRecord } from '../format/record.js'
import type { Block, Tail } from './tail.js'

const NEVER = Number.POSITIVE_INFINITY

/**
 * Writes changes as records into the tail. The room for an item is claimed before it is written; a record that has
 * become long, or whose block is full, is closed and the next one opened, between items.
 */
export class Encoder {
  #segment: Segment
  #block: Block | undefined
  /** Where the open record starts in its block. */
  #start = 0
  /** Where the next item goes. */
  #at = 0
  #isFirstOfGroup = true
  /** Positions of the references being written. Kept, and never shortened, so that no append needs an array. */
  readonly #positions: number[] = []

  constructor(
    readonly tail: Tail,
    segment: Segment,
  ) {
    this.#segment = segment
  }

  /** The next record is the first of a group: everything before it will be durable when it is written. */
  beginGroup(segment: Segment): void {
    this.#segment = segment
    this.#isFirstOfGroup = true
  }

  /** Where records go at present. */
  get segment(): Segment {
    return this.#segment
  }

  /** Writes a record that holds nothing. */
  fence(): void {
    this.#claim(0)
    this.endChange()
  }

  /** Ends a change. Does nothing when the change wrote nothing. */
  endChange(): void {
    if (this.#block !== undefined) this.#close(END)
  }

  declareQueue(queue: LogQueue): void {
    this.#declaration(Item.queue, queue)
  }

  declareTable(table: LogTable): void {
    this.#declaration(Item.table, table)
  }

  /** Writes a payload with its references, and puts an entry at the end of the queue that each of them names. */
  append(queues: readonly LogQueue[], references: readonly QueueReference[], payload: Uint8Array): void {
    const { length } = payload
    const count = references.length
    const { buffer, address: blockAddress } = this.#claim(1 + (2 + 3 * count) * MAX_VARINT_BYTES + length)
    let at = this.#at
    buffer[at++] = Item.append
    at = writeVarint(buffer, count, at)
    for (let i = 0; i < count; i++) {
      const queue = queues[i]!
      const position = queue.next++
      this.#positions[i] = position
      at = writeVarint(buffer, queue.id, at)
      at = writeVarint(buffer, position, at)
      at = writeVarint(buffer, encodeExpiry(references[i]!.expiresAt ?? NEVER), at)
    }
    at = this.#payload(buffer, payload, at)
    const ordinal = this.#segment.nextPayload()
    const packed = packPayload(ordinal, length)
    for (let i = 0; i < count; i++) {
      const expiresAt = references[i]!.expiresAt ?? NEVER
      queues[i]!.push(this.#positions[i]!, blockAddress + at - length, packed, expiresAt)
      this.#segment.retain(ordinal, length)
    }
  }

  /** Writes a payload once more, further on. @returns where it will lie */
  carry(references: readonly Reference[], payload: Uint8Array): Address {
    const { buffer, address } = this.#claim(1 + (2 + 3 * references.length) * MAX_VARINT_BYTES + payload.byteLength)
    let at = this.#at
    buffer[at++] = Item.carry
    at = writeVarint(buffer, references.length, at)
    for (const { queue, position, expiresAt } of references) {
      at = writeVarint(buffer, queue, at)
      at = writeVarint(buffer, position, at)
      at = writeVarint(buffer, encodeExpiry(expiresAt), at)
    }
    at = this.#payload(buffer, payload, at)
    return address + at - payload.byteLength
  }

  remove(queue: number, from: number, through: number): void {
    const { buffer } = this.#claim(1 + 3 * MAX_VARINT_BYTES)
    let at = this.#at
    buffer[at++] = Item.remove
    at = writeVarint(buffer, queue, at)
    at = writeVarint(buffer, from, at)
    this.#at = writeVarint(buffer, through, at)
  }

  put(table: number, key: string, value: Uint8Array): Row {
    const keyBytes = Buffer.byteLength(key)
    const { buffer, address } = this.#claim(1 + 3 * MAX_VARINT_BYTES + keyBytes + value.byteLength)
    buffer[this.#at] = Item.put
    return this.#row(buffer, address, table, key, keyBytes, value, this.#at + 1)
  }

  /** Writes a row's value once more, further on. */
  carryRow(from: Address, table: number, key: string, value: Uint8Array): Row {
    const keyBytes = Buffer.byteLength(key)
    const { buffer, address } = this.#claim(1 + 5 * MAX_VARINT_BYTES + keyBytes + value.byteLength)
    let at = this.#at
    buffer[at++] = Item.carryRow
    at = writeVarint(buffer, segmentOf(from), at)
    at = writeVarint(buffer, offsetOf(from), at)
    return this.#row(buffer, address, table, key, keyBytes, value, at)
  }

  delete(table: number, key: string): void {
    const keyBytes = Buffer.byteLength(key)
    const { buffer } = this.#claim(1 + 2 * MAX_VARINT_BYTES + keyBytes)
    let at = this.#at
    buffer[at++] = Item.delete
    at = writeVarint(buffer, table, at)
    at = writeVarint(buffer, keyBytes, at)
    this.#at = at + buffer.write(key, at)
  }

  #declaration(item: number, { id, name }: { readonly id: number; readonly name: string }): void {
    const nameBytes = Buffer.byteLength(name)
    const { buffer } = this.#claim(1 + 2 * MAX_VARINT_BYTES + nameBytes)
    let at = this.#at
    buffer[at++] = item
    at = writeVarint(buffer, id, at)
    at = writeVarint(buffer, nameBytes, at)
    this.#at = at + buffer.write(name, at)
  }

  #payload(buffer: Buffer, payload: Uint8Array, at: number): number {
    const start = writeVarint(buffer, payload.byteLength, at)
    buffer.set(payload, start)
    this.#at = start + payload.byteLength
    return this.#at
  }

  #row(
    buffer: Buffer,
    block: Address,
    table: number,
    key: string,
    keyBytes: number,
    value: Uint8Array,
    from: number,
  ): Row {
    let at = writeVarint(buffer, table, from)
    at = writeVarint(buffer, keyBytes, at)
    at += buffer.write(key, at)
    at = this.#payload(buffer, value, at)
    return { address: block + at - value.byteLength, length: value.byteLength }
  }

  /** Sees to it that there is an open record with room for an item. */
  #claim(bytes: number): Block {
    let block = this.#block
    if (block !== undefined) {
      const isLong = this.#at - this.#start >= RECORD_TARGET_BYTES
      if (!isLong && this.#at + bytes <= block.buffer.length) return block
      this.#close(0)
    }
    block = this.tail.claim(RECORD_HEADER_BYTES + bytes)
    this.#block = block
    this.#start = block.length
    this.#at = this.#start + RECORD_HEADER_BYTES
    return block
  }

  #close(flags: number): void {
    const block = this.#block!
    sealRecord(block.buffer, this.#start, this.#at, flags | (this.#isFirstOfGroup ? FENCE : 0), this.#segment.salt)
    this.#segment.addRecord(offsetOf(block.address + this.#start))
    block.length = this.#at
    this.#block = undefined
    this.#isFirstOfGroup = false
  }
}
