import type { ApplicationProperties, JsonValue, Message, MessageSource } from '@edgewright/core'
import { NO_PROPERTIES } from '@edgewright/core'
import { foldCase } from '../fold-case.js'
import type { Semantics } from '../semantics.js'
import type { BodyStep } from '../syntax/tree.js'
import { type BodyQuery, bodyQuery } from './body-query.js'
import { readJsonBody } from './json-body.js'
import type { Value } from './value.js'

/** A property that some condition asks for, with what the message at hand has under that name. */
export interface PropertySlot {
  /** As the rule spells it. */
  readonly name: string
  /** Shared by all spellings of the name. */
  readonly group: PropertyGroup
  /** The evaluation that `value` belongs to. */
  turn: number
  value: string | null | undefined
}

interface PropertyGroup {
  turn: number
  value: string | null | undefined
}

/** A place in the body that some condition asks for, with what the message at hand has there. */
export interface BodySlot {
  readonly query: BodyQuery
  /** The evaluation that `value` belongs to. */
  turn: number
  value: Value
}

/** What came of something that several conditions ask. */
export interface Memo<Result> {
  /** The evaluation that `value` belongs to. */
  turn: number
  value: Result | undefined
}

/**
 * The message that conditions look at, and what they have found out about it so far.
 *
 * One is made per table and used for one message after another: every name and place is looked up once per message for
 * all conditions, the body is parsed once and only when asked for, and nothing else is allocated.
 */
export class Evaluation {
  message!: Message
  /** Counts messages: what was found out in another turn is not known now. */
  turn = 0
  /** Where conditions leave numbers for one another: a number that is returned would be boxed. */
  numbers = new Float64Array(16)
  readonly #semantics: Semantics
  readonly #maxBodyBytes: number
  readonly #slots = new Map<string, PropertySlot>()
  readonly #groups = new Map<string, PropertyGroup>()
  readonly #bodySlots = new Map<string, BodySlot>()
  readonly #memos: Memo<unknown>[] = []
  /** The groups that spellings seen in messages belong to; null for names that no condition asks for. */
  readonly #spellings = new Map<string, PropertyGroup | null>()
  #source!: MessageSource
  #properties: ApplicationProperties = NO_PROPERTIES
  #registers = 0
  #scannedTurn = 0
  #bodyTurn = 0
  #body: JsonValue | undefined

  constructor(semantics: Semantics, maxBodyBytes: number) {
    this.#semantics = semantics
    this.#maxBodyBytes = maxBodyBytes
  }

  /** The slot of a property, for conditions to hold on to. */
  propertySlot(name: string): PropertySlot {
    let slot = this.#slots.get(name)
    if (slot === undefined) {
      slot = { name, group: this.#group(name), turn: 0, value: undefined }
      this.#slots.set(name, slot)
    }
    return slot
  }

  #group(name: string): PropertyGroup {
    const folded = foldCase(name)
    let group = this.#groups.get(folded)
    if (group === undefined) {
      group = { turn: 0, value: undefined }
      this.#groups.set(folded, group)
      this.#spellings.clear()
      this.#scannedTurn = 0
    }
    return group
  }

  /** The slot of a place in the body, for conditions to hold on to. */
  bodySlot(path: readonly BodyStep[]): BodySlot {
    const key = JSON.stringify(path, (_, step) => (typeof step === 'symbol' ? { any: true } : step))
    let slot = this.#bodySlots.get(key)
    if (slot === undefined) {
      slot = { query: bodyQuery(path, this.#semantics), turn: 0, value: undefined }
      this.#bodySlots.set(key, slot)
    }
    return slot
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
    this.message = message
    this.#source = source
    this.#properties = message.properties
    if (++this.turn === MAX_TURN) this.#restartTurns()
  }

  #restartTurns(): void {
    this.turn = 1
    this.#scannedTurn = this.#bodyTurn = 0
    for (const slot of this.#slots.values()) slot.turn = slot.group.turn = 0
    for (const memo of [...this.#bodySlots.values(), ...this.#memos]) memo.turn = 0
  }

  /** Lets go of the body. */
  end(): void {
    this.#body = undefined
  }

  /** The value of a property: null when it came without one, undefined when it is not there. */
  property(slot: PropertySlot): string | null | undefined {
    return slot.turn === this.turn ? slot.value : this.#look(slot)
  }

  #look(slot: PropertySlot): string | null | undefined {
    slot.turn = this.turn
    slot.value = this.#properties.get(slot.name)
    if (slot.value === undefined && this.#properties.size > 0) {
      if (this.#scannedTurn !== this.turn) this.#scan()
      if (slot.group.turn === this.turn) slot.value = slot.group.value
    }
    return slot.value
  }

  /** Notes the properties whose names differ from those asked for in letter case only. The first of several counts. */
  #scan(): void {
    this.#scannedTurn = this.turn
    this.#properties.forEach(this.#note)
  }

  readonly #note = (value: string | null, name: string): void => {
    const group = this.#spellings.get(name) ?? this.#spelling(name)
    if (group === null || group.turn === this.turn) return
    group.turn = this.turn
    group.value = value
  }

  #spelling(name: string): PropertyGroup | null {
    if (this.#spellings.has(name)) return null
    const group = this.#groups.get(foldCase(name)) ?? null
    if (this.#spellings.size >= MAX_SPELLINGS) this.#spellings.clear()
    if (name.length <= MAX_SPELLING_LENGTH) this.#spellings.set(name, group)
    return group
  }

  /** The value at a place in the body. */
  bodyValue(slot: BodySlot): Value {
    return slot.turn === this.turn ? slot.value : this.#search(slot)
  }

  #search(slot: BodySlot): Value {
    if (this.#bodyTurn !== this.turn) {
      this.#bodyTurn = this.turn
      this.#body = readJsonBody(this.message, this.#source, this.#semantics, this.#maxBodyBytes)
    }
    slot.turn = this.turn
    slot.value = this.#body === undefined ? undefined : slot.query(this.#body)
    return slot.value
  }
}

/** Turns stay small integers, which cost nothing to store. */
const MAX_TURN = 2 ** 30
const MAX_SPELLINGS = 4096
const MAX_SPELLING_LENGTH = 256
