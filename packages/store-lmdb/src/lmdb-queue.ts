import type { Position, QueueState } from '@edgewright/core'
import { encodeQueue, type QueueRow } from './layout.js'

/** One queue as it stands, or as a transaction is about to leave it. */
export class LmdbQueue {
  readonly id: number
  readonly name: string
  head: Position
  next: Position
  length: number
  bytes: number

  constructor(name: string, row: QueueRow, head: Position) {
    this.name = name
    this.id = row.id
    this.head = head
    this.next = row.next
    this.length = row.length
    this.bytes = row.bytes
  }

  get state(): QueueState {
    return { queue: this.name, length: this.length, bytes: this.bytes, head: this.head, next: this.next }
  }

  copy(): LmdbQueue {
    return new LmdbQueue(this.name, this, this.head)
  }

  encode(): Buffer {
    return encodeQueue(this)
  }
}
