import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { badRequest } from './method-refusal.js'

/** Which lines of a module's log are wanted. Times in milliseconds since 1970. */
export interface LogFilter {
  readonly tail: number | undefined
  readonly since: number | undefined
  readonly until: number | undefined
  /** Syslog levels: 0 emergency to 7 debug; this one and graver. */
  readonly level: number | undefined
  readonly regex: string | undefined
}

/** Some modules, and which of their lines. */
export interface LogItem {
  /** A pattern for names of modules, found anywhere in them, in any case; `all` is every module. */
  readonly id: string
  readonly filter: LogFilter
}

/** What `GetModuleLogs` and `UploadModuleLogs` are asked for. */
export interface LogRequest {
  readonly items: readonly LogItem[]
  readonly encoding: 'none' | 'gzip'
  readonly contentType: 'json' | 'text'
}

/** The longest pattern that is taken, in characters. */
const MAX_PATTERN = 1_000

/** The most items that are taken. */
const MAX_ITEMS = 100

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(s|sec|secs|second|seconds)$/, 1_000],
  [/^(m|min|mins|minute|minutes)$/, 60_000],
  [/^(h|hr|hrs|hour|hours)$/, 3_600_000],
  [/^(d|day|days)$/, 86_400_000],
  [/^(w|week|weeks)$/, 604_800_000],
]

/**
 * A request for logs out of a method's payload.
 *
 * @param now - milliseconds since 1970, from which durations count back
 * @throws `METHOD_PAYLOAD_INVALID`
 */
export function readLogRequest(payload: JsonObject, now: number): LogRequest {
  const items = member(payload, 'items')
  const list = Array.isArray(items) ? items : items === undefined ? [] : [items]
  if (list.length === 0 || list.length > MAX_ITEMS) throw badRequest(`items: 1 to ${MAX_ITEMS} are wanted`)
  return {
    items: list.map(item => readItem(item, now)),
    encoding: word(payload, 'encoding', ['none', 'gzip']),
    contentType: word(payload, 'contentType', ['json', 'text']),
  }
}

/** A time since or until: RFC 3339, seconds since 1970, or a length of time back from now such as `1h 30m`. */
export function readTime(value: JsonValue | undefined, place: string, now: number): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const text = String(value).trim().toLowerCase()
  const time = /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : (durationBack(text, now) ?? Date.parse(String(value)))
  if (Number.isFinite(time)) return time
  throw badRequest(`${place}: a time, seconds since 1970, or a length of time such as "90m" is wanted`)
}

/** A member by its name, in any case. */
export function member(object: JsonObject, name: string): JsonValue | undefined {
  const found = Object.keys(object).find(key => key.toLowerCase() === name.toLowerCase())
  return found === undefined ? undefined : (object[found] ?? undefined)
}

/** A text that must be there. */
export function requiredText(payload: JsonObject, name: string): string {
  const value = member(payload, name)
  if (typeof value === 'string' && value !== '') return value
  throw badRequest(`${name}: a text is wanted`)
}

function readItem(item: JsonValue, now: number): LogItem {
  if (!isJsonObject(item)) throw badRequest('items: objects are wanted')
  const filter = member(item, 'filter') ?? {}
  if (!isJsonObject(filter)) throw badRequest('filter: an object is wanted')
  const regex = member(filter, 'regex')
  if (regex !== undefined && typeof regex !== 'string') throw badRequest('regex: a text is wanted')
  return {
    id: pattern(requiredText(item, 'id'), 'id'),
    filter: {
      tail: whole(member(filter, 'tail'), 'tail', Number.MAX_SAFE_INTEGER),
      since: readTime(member(filter, 'since'), 'since', now),
      until: readTime(member(filter, 'until'), 'until', now),
      level: whole(member(filter, 'loglevel'), 'loglevel', 7),
      regex: regex === undefined ? undefined : pattern(regex, 'regex'),
    },
  }
}

function durationBack(text: string, now: number): number | undefined {
  if (!/^(?:\d{1,9}\s*[a-z]+\s*)+$/.test(text)) return undefined
  let length = 0
  for (const [, amount, unit = ''] of text.matchAll(/(\d+)\s*([a-z]+)/g)) {
    const factor = UNITS.find(([names]) => names.test(unit))?.[1]
    if (factor === undefined) return undefined
    length += Number(amount) * factor
  }
  return now - length
}

function whole(value: JsonValue | undefined, place: string, most: number): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= most) return number
  throw badRequest(`${place}: a whole number from 0 to ${most} is wanted`)
}

function pattern(text: string, place: string): string {
  if (text.length > MAX_PATTERN) throw badRequest(`${place}: a pattern has at most ${MAX_PATTERN} characters`)
  try {
    new RegExp(text, 'i')
    return text
  } catch {
    throw badRequest(`${place}: it is not a regular expression`)
  }
}

function word<T extends string>(payload: JsonObject, name: string, choices: readonly [T, ...T[]]): T {
  const value = member(payload, name)
  if (value === undefined) return choices[0]
  const chosen = choices.find(choice => choice === String(value).toLowerCase())
  if (chosen === undefined) throw badRequest(`${name}: use ${choices.join(' or ')}`)
  return chosen
}
