import type { Code, NumberCode } from './code.js'
import { lower, substring, type Text, upper } from './text.js'

/** `lower(s)`, `upper(s)`. */
export function changedCase(name: 'lower' | 'upper', text: Code<Text>): Code<Text> {
  const change = name === 'lower' ? lower : upper
  return evaluation => {
    const one = text(evaluation)
    return typeof one === 'string' ? change(one) : undefined
  }
}

/** `substring(s, start, length)`, or to the end. */
export function partOf(text: Code<Text>, start: NumberCode, length: NumberCode | undefined): Code<Text> {
  if (start.constant !== undefined && length === undefined) return endOf(text, start.constant)
  return evaluation => {
    const one = text(evaluation)
    if (typeof one !== 'string') return undefined
    start.load(evaluation)
    length?.load(evaluation)
    const count = length === undefined ? undefined : evaluation.numbers[length.register]!
    return substring(one, evaluation.numbers[start.register]!, count)
  }
}

function endOf(text: Code<Text>, start: number): Code<Text> {
  const from = Math.trunc(start)
  return evaluation => {
    const one = text(evaluation)
    return typeof one === 'string' && from >= 0 && from <= one.length ? one.slice(from) : undefined
  }
}

/** Texts in a row; undefined when one of them is, or when they get longer than the limit. */
export function joined(parts: readonly Code<string | undefined>[], limit: number): Code<Text> {
  return evaluation => {
    let whole = ''
    for (const part of parts) {
      const text = part(evaluation)
      if (text === undefined || whole.length + text.length > limit) return undefined
      whole += text
    }
    return whole
  }
}

/** A text where null counts as nothing at all. */
export function emptyForNull(text: Code<Text>): Code<string | undefined> {
  return evaluation => {
    const one = text(evaluation)
    return one === null ? '' : one
  }
}

/** A text where null counts as undefined. */
export function undefinedForNull(text: Code<Text>): Code<string | undefined> {
  return evaluation => text(evaluation) ?? undefined
}
