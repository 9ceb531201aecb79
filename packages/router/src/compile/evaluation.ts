import type { Message, MessageSource } from '@edgewright/core'
import type { Semantics } from '../semantics.js'
import type { BodyStep } from '../syntax/tree.js'
import { BodyLookup, type BodySlot } from './body-lookup.js'
import { PropertyLookup, type PropertySlot } from './property-lookup.js'
import type { Value } from './value.js'

/** What came of something that several conditions ask. */
export interface Memo<Result> {
  /** The evaluation that `value` belongs to. */
  turn: number
  value: Result | undefined
}

/** Turns stay small integers, which cost nothing to store. */
const MAX_TURN = 2 ** 30

/**
 * The message that conditions look at, and what they have found out about it so far.
 *
 * One is made per table and used for one message after another: every name and place is looked up once per message for
 * all conditions, the body is looked into once and only when asked for, and nothing else is allocated.
 */
export class Evaluation {
  message!: Message
  /** Counts messages: what was found out in another turn is not known now. */
  turn = 0
  /** Where conditions leave numbers for one another: a number that is returned would be boxed. */
  numbers = new Float64Array(16)
  readonly #properties = new PropertyLookup()
  readonly #body: BodyLookup
  readonly #memos: Memo<unknown>[] = []
  #source!: MessageSource
  #registers = 0
  #bodyTurn = 0

  constructor(semantics: Semantics, maxBodyBytes: number) {
    this.#body = new BodyLookup(semantics, maxBodyBytes)
  }

  /** The slot of a property, for conditions to hold on to. */
  propertySlot(name: string): PropertySlot {
    return this.#properties.slot(name)
  }

  /** The slot of a place in the body, for conditions to hold on to. */
  bodySlot(path: readonly BodyStep[]): BodySlot {
    return this.#body.slot(path)
  }

  /** A memo, for conditions to share. */
  memo<Result>(): Memo<Result> {
    const memo: Memo<Result> = { turn: 0, value: undefined }
    this.#memos.push(memo)
    return memo
  }

  /** A place among the numbers, for one condition to write. */
  register(): number {
    if (this.#registers === this.numbers.length) {
      const numbers = new Float64Array(this.#registers * 2)
      numbers.set(this.numbers)
      this.numbers = numbers
    }
    return this.#registers++
  }

  /** Turns to a message. */
  begin(message: Message, source: MessageSource): void {
    if (++this.turn === MAX_TURN) this.#restartTurns()
    this.message = message
    this.#source = source
    this.#properties.open(message.properties, this.turn)
  }

  #restartTurns(): void {
    this.turn = 1
    this.#bodyTurn = 0
    this.#properties.forget()
    for (const memo of [...this.#body.slots, ...this.#memos]) memo.turn = 0
  }

  /** Lets go of the body. */
  end(): void {
    if (this.#bodyTurn === this.turn) this.#body.release()
  }

  /** The value of a property: null when it came without one, undefined when it is not there. */
  property(slot: PropertySlot): string | null | undefined {
    return slot.turn === this.turn ? slot.value : this.#properties.find(slot)
  }

  /** The value at a place in the body; undefined when the body is unusable. */
  bodyValue(slot: BodySlot): Value {
    return slot.turn === this.turn ? slot.value : this.#find(slot)
  }

  #find(slot: BodySlot): Value {
    if (this.#bodyTurn !== this.turn) {
      this.#bodyTurn = this.turn
      this.#body.open(this.message, this.#source)
    }
    slot.turn = this.turn
    slot.value = this.#body.find(slot)
    return slot.value
  }
}
