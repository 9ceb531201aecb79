import { type ApplicationProperties, NO_PROPERTIES } from '@edgewright/core'
import { foldCase } from '../fold-case.js'

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

const MAX_SPELLINGS = 4096
const MAX_SPELLING_LENGTH = 256

/**
 * Finds properties in any letter case: as the rule spells them first, then, in one pass over the message for all
 * names, the first property whose name differs in letter case only.
 */
export class PropertyLookup {
  readonly #slots = new Map<string, PropertySlot>()
  readonly #groups = new Map<string, PropertyGroup>()
  /** The groups that spellings seen in messages belong to; null for names that no condition asks for. */
  readonly #spellings = new Map<string, PropertyGroup | null>()
  #properties: ApplicationProperties = NO_PROPERTIES
  #turn = 0
  #scannedTurn = 0

  /** The slot of a property. */
  slot(name: string): PropertySlot {
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

  /** Forgets all turns there were. */
  forget(): void {
    this.#scannedTurn = 0
    for (const slot of this.#slots.values()) slot.turn = slot.group.turn = 0
  }

  /** Turns to the properties of a message. */
  open(properties: ApplicationProperties, turn: number): void {
    this.#properties = properties
    this.#turn = turn
  }

  /** Fills a slot. */
  find(slot: PropertySlot): string | null | undefined {
    slot.turn = this.#turn
    slot.value = this.#properties.get(slot.name)
    if (slot.value === undefined && this.#properties.size > 0) {
      if (this.#scannedTurn !== this.#turn) this.#scan()
      if (slot.group.turn === this.#turn) slot.value = slot.group.value
    }
    return slot.value
  }

  #scan(): void {
    this.#scannedTurn = this.#turn
    this.#properties.forEach(this.#note)
  }

  readonly #note = (value: string | null, name: string): void => {
    const group = this.#spellings.get(name) ?? this.#spelling(name)
    if (group === null || group.turn === this.#turn) return
    group.turn = this.#turn
    group.value = value
  }

  #spelling(name: string): PropertyGroup | null {
    if (this.#spellings.has(name)) return null
    const group = this.#groups.get(foldCase(name)) ?? null
    if (this.#spellings.size >= MAX_SPELLINGS) this.#spellings.clear()
    if (name.length <= MAX_SPELLING_LENGTH) this.#spellings.set(name, group)
    return group
  }
}
