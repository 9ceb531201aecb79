import type { Code, Truth } from './code.js'
import { indexOf } from './search.js'
import type { Text } from './text.js'
import { MISSING, type Value } from './value.js'

const TEXT_TESTS = {
  starts_with: (text: string, part: string) => text.startsWith(part),
  ends_with: (text: string, part: string) => text.endsWith(part),
  contains: (text: string, part: string) => indexOf(text, part) >= 0,
} as const

/** `starts_with(s, part)` and its like. */
export function textTest(name: keyof typeof TEXT_TESTS, text: Code<Text>, part: Code<Text>): Code<Truth> {
  const test = TEXT_TESTS[name]
  return evaluation => {
    const one = text(evaluation)
    const other = part(evaluation)
    return typeof one === 'string' && typeof other === 'string' ? test(one, other) : undefined
  }
}

/** `starts_with(s, 'written')`, by far the commonest of them. */
export function startTest(text: Code<Text>, written: string): Code<Truth> {
  return evaluation => {
    const one = text(evaluation)
    return typeof one === 'string' ? one.startsWith(written) : undefined
  }
}

const TYPE_TESTS = {
  is_bool: (value: Value) => typeof value === 'boolean',
  is_number: (value: Value) => Number.isFinite(value),
  is_string: (value: Value) => typeof value === 'string',
  is_null: (value: Value) => value === null,
} as const

/** A test of what a value is. */
export type TypeTestName = keyof typeof TYPE_TESTS

/** `is_string(x)` and its like, which are never undefined. */
export function typeTest(name: TypeTestName, value: Code<Value>): Code<boolean> {
  const test = TYPE_TESTS[name]
  return evaluation => test(value(evaluation))
}

/** `is_defined(x)`. */
export function definedTest(value: Code<Value>, missingCounts: boolean): Code<boolean> {
  return evaluation => {
    const found = value(evaluation)
    return found !== undefined && (missingCounts || found !== MISSING)
  }
}

/** `is_null(x)` of a body value as the original has it: false where nothing is, true for all that is there. */
export function originalNullTest(value: Code<Value>): Code<Truth> {
  return evaluation => {
    const found = value(evaluation)
    return found === undefined ? undefined : found !== MISSING
  }
}
