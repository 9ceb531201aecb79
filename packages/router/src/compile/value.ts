import type { JsonValue } from '@edgewright/core'

/** What a path leads to in a usable body that has nothing there. */
export const MISSING: JsonValue & object = Object.freeze(Object.create(null))

/** What stands for every object, and for every array: conditions do not look into them, and so keep none. */
export const SOME_OBJECT: JsonValue & object = Object.freeze({})
export const SOME_ARRAY: JsonValue & object = Object.freeze([])

/** What an expression can come to. What the language calls undefined is undefined here. */
export type Value = JsonValue | undefined
