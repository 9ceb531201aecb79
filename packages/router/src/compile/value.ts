import type { JsonValue } from '@edgewright/core'

/** What a path leads to in a usable body that has nothing there. */
export const MISSING: JsonValue & object = Object.freeze(Object.create(null))

/** What an expression can come to. What the language calls undefined is undefined here. */
export type Value = JsonValue | undefined
