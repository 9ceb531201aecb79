import type { Semantics } from '../semantics.js'
import type { TokenCursor } from './cursor.js'
import type { Span } from './span.js'
import { scanString } from './string.js'
import { ANY_CHILD, type BodyStep, type Expression } from './tree.js'

const BODY = /^\$body(?=[.[])/i

/** What a token that begins with `$` stands for: a value of the body, or a system property. */
export function parseSystem(
  cursor: TokenCursor,
  text: string,
  span: Span,
  semantics: Semantics,
  braced = false,
): Expression {
  const { start, end } = span
  if (semantics === 'iotedge') return parseOriginal(cursor, text, { start, end }, braced)
  if (BODY.test(text)) {
    const path = parsePath(cursor, text, start)
    return path === undefined ? { kind: 'invalid', start, end } : { kind: 'body', path, name: text, braced, start, end }
  }
  if (text.toLowerCase() !== '$body') return { kind: 'system', name: text.slice(1), braced, start, end }
  cursor.fail({ start, end }, 'the body as a whole is no value', 'a path like $body.temperature')
  return { kind: 'invalid', start, end }
}

const MEMBER = /\.([^.[\]]+)/y
const INDEX = /\[(\d+)\]/y
const DIGITS = /^\d+$/

function parsePath(cursor: TokenCursor, text: string, start: number): BodyStep[] | undefined {
  const path: BodyStep[] = []
  let at = '$body'.length
  while (at < text.length) {
    const step = stepAt(text, at)
    if (step === undefined) {
      cursor.fail({ start: start + at, end: start + text.length }, 'the path into the body breaks off', STEP_FORMS)
      return undefined
    }
    if (DIGITS.test(String(step.value)) && text[at] === '.') {
      const span = { start: start + at, end: start + step.end }
      cursor.fail(span, 'a number is no member name', undefined, `Write [${step.value}] for an element.`)
      return undefined
    }
    path.push(step.value)
    at = step.end
  }
  return path
}

const STEP_FORMS = '.name, [0] or ["name"]'

function stepAt(text: string, at: number): { value: string | number; end: number } | undefined {
  MEMBER.lastIndex = INDEX.lastIndex = at
  const member = MEMBER.exec(text)
  if (member !== null) return { value: member[1]!, end: MEMBER.lastIndex }
  const index = INDEX.exec(text)
  if (index !== null) {
    const value = Number(index[1])
    return Number.isSafeInteger(value) ? { value, end: INDEX.lastIndex } : undefined
  }
  const quote = text[at + 1]
  if (text[at] !== '[' || (quote !== '"' && quote !== "'")) return undefined
  const key = scanString(text, at + 1)
  return key.kind === 'string' && text[key.end] === ']' ? { value: key.value, end: key.end + 1 } : undefined
}

const ORIGINAL_PREFIX = '$body.'
const ORIGINAL_PART = /([^.[\]]+)((?:\[[^\]]*\])?)/y

/**
 * The original takes `$body.` as a path only where it is spelled so, checks a prefix of it, and gives any other name
 * with brackets no value.
 */
function parseOriginal(cursor: TokenCursor, text: string, span: Span, braced: boolean): Expression {
  const isPath = text.slice(0, ORIGINAL_PREFIX.length).toLowerCase() === ORIGINAL_PREFIX
  if (!isPath && /[[\]]/.test(text)) return { kind: 'literal', value: undefined, ...span }
  if (!isPath || text.length === ORIGINAL_PREFIX.length) return originalName(cursor, text, span, braced)
  const path: BodyStep[] = []
  let at = ORIGINAL_PREFIX.length
  for (;;) {
    ORIGINAL_PART.lastIndex = at
    const part = ORIGINAL_PART.exec(text)
    const index = part?.[2]
    if (part === null || DIGITS.test(part[1]!) || (index !== '' && !/^\[\d+\]$/.test(index!))) {
      cursor.fail(span, 'this is no path that a body query may have', 'name.name[0]')
      return { kind: 'invalid', ...span }
    }
    path.push(part[1] === '*' ? ANY_CHILD : part[1]!)
    if (index !== '') path.push(Number(index!.slice(1, -1)))
    at = ORIGINAL_PART.lastIndex
    if (text[at] !== '.') break
    at++
  }
  return { kind: 'body', path: withTrailingText(path, text, at), name: text, braced, ...span }
}

function originalName(cursor: TokenCursor, text: string, span: Span, braced: boolean): Expression {
  if (text.toLowerCase() === ORIGINAL_PREFIX) {
    cursor.fail(span, 'the body query is empty', '$body.name')
    return { kind: 'invalid', ...span }
  }
  return { kind: 'system', name: text.slice(1), braced, ...span }
}

const TRAILING_STEP = /\[(\d+)\]|\.([^.[\]]+)/y

/** Text behind the checked prefix counts when it goes on as a path, else nothing is ever found by it. */
function withTrailingText(path: readonly BodyStep[], text: string, start: number): readonly BodyStep[] | undefined {
  const steps = [...path]
  let at = start
  while (at < text.length) {
    TRAILING_STEP.lastIndex = at
    const step = TRAILING_STEP.exec(text)
    if (step === null) return undefined
    steps.push(step[1] === undefined ? step[2]! : Number(step[1]))
    at = TRAILING_STEP.lastIndex
  }
  return steps
}
