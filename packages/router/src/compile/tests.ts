import type { Code } from './code.js'
import type { Text } from './text.js'
import { indexOf } from './search.js'
import { MISSING, type Value } from './value.js'

/** A test of two texts. */
export type TextTestName = 'starts_with' | 'ends_with' | 'contains'

type TextTest = (text: string, part: string) => boolean

const TEXT_TESTS: Readonly<Record<TextTestName, TextTest>> = {
  starts_with: (text, part) => text.startsWith(part),
  ends_with: (text, part) => text.endsWith(part),
  contains: (text, part) => indexOf(text, part) >= 0,
}

/** `starts_with(s, part)` and its like. */
export function textTest(name: TextTestName, text: Code<Text>, part: Code<Text>, wanted: boolean): Code<boolean> {
  const test = TEXT_TESTS[name]
  return evaluation => {
    const one = text(evaluation)
    const other = part(evaluation)
    return typeof one === 'string' && typeof other === 'string' && test(one, other) === wanted
  }
}

/** `starts_with(s, 'written')`, by far the commonest of them. */
export function startTest(text: Code<Text>, written: string, wanted: boolean): Code<boolean> {
  return evaluation => {
    const one = text(evaluation)
    return typeof one === 'string' && one.startsWith(written) === wanted
  }
}

const TYPE_TESTS = {
  is_bool: (value: Value) => typeof value === 'boolean',
  is_number: (value: Value) => Number.isFinite(value),
  is_string: (value: Value) => typeof value === 'string',
  is_null: (value: Value) => value === null,
} as const

/** `is_string(x)` and its like, which are never undefined. */
export function typeTest(name: keyof typeof TYPE_TESTS, value: Code<Value>, wanted: boolean): Code<boolean> {
  const test = TYPE_TESTS[name]
  return evaluation => test(value(evaluation)) === wanted
}

/** `is_defined(x)`. */
export function definedTest(value: Code<Value>, missingCounts: boolean, wanted: boolean): Code<boolean> {
  return evaluation => {
    const found = value(evaluation)
    return (found !== undefined && (missingCounts || found !== MISSING)) === wanted
  }
}

/** `is_null(x)` of a body value as the original has it: false where nothing is, true for all that is there. */
export function originalNullTest(value: Code<Value>, wanted: boolean): Code<boolean> {
  return evaluation => {
    const found = value(evaluation)
    return found !== undefined && (found !== MISSING) === wanted
  }
}
