import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import type { ManifestProblem, ManifestStatus } from './manifest-error.js'

/**
 * Reads members of a JSON document and notes what is wrong instead of stopping. Names are matched without regard to
 * case, as in the original; what nobody asks for is passed over.
 */
export class Reader {
  readonly #value: JsonObject
  readonly #problems: ManifestProblem[]
  readonly place: string

  constructor(value: JsonObject, problems: ManifestProblem[], place = '') {
    this.#value = value
    this.#problems = problems
    this.place = place
  }

  /** The member's value; undefined when it is absent. */
  value(name: string): JsonValue | undefined {
    const wanted = name.toLowerCase()
    const found = Object.keys(this.#value).filter(key => key.toLowerCase() === wanted)
    if (found.length > 1) this.refuse(name, `it stands ${found.length} times, in different case`)
    return found[0] === undefined ? undefined : this.#value[found[0]]
  }

  /** The members of this object, in order. */
  members(): readonly (readonly [name: string, value: JsonValue])[] {
    return Object.entries(this.#value)
  }

  /** A text; numbers and truth values are taken as their text. */
  text(name: string): string | undefined {
    const value = this.value(name) ?? undefined
    if (typeof value !== 'object') return value === undefined ? undefined : scalarText(value)
    this.refuse(name, 'a text is wanted')
    return undefined
  }

  /** A text that must be there and hold more than white space. */
  requiredText(name: string): string {
    const value = this.value(name) ?? undefined
    const text = value === undefined || typeof value === 'object' ? '' : scalarText(value).trim()
    if (text === '') this.refuse(name, value === undefined ? 'it is missing' : 'a text that is not blank is wanted')
    return text
  }

  /** One of several words, in any case; the default when absent, or required when there is none. */
  choice<T extends string>(name: string, choices: readonly T[], whenAbsent?: T): T {
    const value = this.value(name)
    if (value === undefined && whenAbsent !== undefined) return whenAbsent
    const word = typeof value === 'string' ? value.toLowerCase() : undefined
    const chosen = choices.find(choice => choice === word)
    if (chosen === undefined) {
      this.refuse(name, `${value === undefined ? 'it is missing' : 'it is not known'}: use ${choices.join(', ')}`)
    }
    return chosen ?? choices[0]!
  }

  /** A nested object; null counts as absent. */
  object(name: string): Reader | undefined {
    const value = this.value(name)
    if (value === undefined || value === null) return undefined
    return this.at(name, value)
  }

  /** A nested object that must be there; an empty one stands in so that reading goes on. */
  requiredObject(name: string): Reader {
    const value = this.value(name)
    if (value === undefined || value === null) this.refuse(name, 'it is missing')
    return this.at(name, value ?? {})
  }

  /** A reader of a member's value; of nothing, when it is not an object. */
  at(name: string, value: JsonValue): Reader {
    if (!isJsonObject(value)) this.refuse(name, 'an object is wanted')
    return new Reader(isJsonObject(value) ? value : {}, this.#problems, this.#placeOf(name))
  }

  /** Notes what is wrong with a member. */
  refuse(name: string, message: string, status: ManifestStatus = 400): void {
    const place = this.#placeOf(name)
    this.#problems.push({ status, place, message: `${place}: ${message}` })
  }

  #placeOf(name: string): string {
    return this.place === '' ? name : `${this.place}.${name}`
  }
}

/** A scalar as the original writes it into texts: `True` and `False`, nothing for null. */
export function scalarText(value: null | boolean | number | string): string {
  if (value === null) return ''
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value)
}
