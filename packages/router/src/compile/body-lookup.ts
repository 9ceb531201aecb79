import type { JsonValue, Message, MessageSource } from '@edgewright/core'
import type { Semantics } from '../semantics.js'
import type { BodyStep } from '../syntax/tree.js'
import { type BodyQuery, bodyQuery } from './body-query.js'
import { BodyScanner } from './body-scanner.js'
import { bodyEncoding, parseJsonBody } from './json-body.js'
import type { Value } from './value.js'

/** A place in the body that some condition asks for, with what the message at hand has there. */
export interface BodySlot {
  readonly path: readonly BodyStep[]
  /** Finds the place in a parsed body. */
  readonly query: BodyQuery
  /** What the scanner knows the place by. */
  number: number
  /** The evaluation that `value` belongs to. */
  turn: number
  value: Value
}

/** Finds places in the body of one message after another: scanning its bytes where that will do, else by parsing. */
export class BodyLookup {
  readonly #semantics: Semantics
  readonly #maxBytes: number
  readonly #slots = new Map<string, BodySlot>()
  /** Undefined until the next body is opened; null when these slots are better looked up in a parsed body. */
  #scanner: BodyScanner | null | undefined
  #scanned = false
  #body: Uint8Array | undefined
  #root: JsonValue | undefined

  constructor(semantics: Semantics, maxBytes: number) {
    this.#semantics = semantics
    this.#maxBytes = maxBytes
  }

  /** The slots there are. */
  get slots(): Iterable<BodySlot> {
    return this.#slots.values()
  }

  /** The slot of a place. */
  slot(path: readonly BodyStep[]): BodySlot {
    const key = JSON.stringify(path, (_, step) => (typeof step === 'symbol' ? { any: true } : step))
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = { path, query: bodyQuery(path, this.#semantics), number: 0, turn: 0, value: undefined }
      this.#slots.set(key, slot)
      this.#scanner = undefined
      this.#parseInstead()
    }
    return slot
  }

  /** A body that was scanned without a place that is asked for now is parsed after all. */
  #parseInstead(): void {
    if (!this.#scanned) return
    this.#scanned = false
    this.#root = this.#body && parseJsonBody(this.#body, 'utf-8', this.#semantics)
  }

  /** Turns to the body of a message. */
  open(message: Message, source: MessageSource): void {
    this.#scanned = false
    this.#root = undefined
    const encoding = bodyEncoding(message, source, this.#semantics)
    if (encoding === undefined || message.body.byteLength > this.#maxBytes) return
    if (this.#scanner === undefined) this.#scanner = this.#makeScanner()
    const result = this.#scanner === null || encoding !== 'utf-8' ? 'unsure' : this.#scanner.scan(message.body)
    this.#scanned = result === 'valid'
    this.#body = message.body
    if (result === 'unsure') this.#root = parseJsonBody(message.body, encoding, this.#semantics)
  }

  #makeScanner(): BodyScanner | null {
    if (this.#semantics === 'iotedge') return null
    const slots = [...this.#slots.values()]
    const made = BodyScanner.for(slots.map(slot => slot.path))
    if (made === undefined) return null
    for (const [index, slot] of slots.entries()) slot.number = made.numbers[index]!
    return made.scanner
  }

  /** What lies at a place of the body opened last; undefined when that body is unusable. */
  find(slot: BodySlot): Value {
    if (this.#scanned) return this.#scanner!.value(slot.number, slot.value)
    return this.#root === undefined ? undefined : slot.query(this.#root)
  }

  /** Lets go of the body. */
  release(): void {
    this.#root = undefined
    this.#body = undefined
    this.#scanned = false
    this.#scanner?.release()
  }
}
