import type { AmqpId } from './value.js'

/** An id as text; 16 bytes are a UUID. */
export function idText(id: AmqpId | undefined): string | undefined {
  if (id === undefined || id === null) return undefined
  if (!(id instanceof Uint8Array)) return String(id)
  const hex = Buffer.from(id).toString('hex')
  if (id.byteLength !== 16) return hex
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The 16 bytes of a UUID's text; undefined when it is none. */
export function uuidBytes(text: string): Uint8Array | undefined {
  if (!/^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i.test(text)) return undefined
  return Buffer.from(text.replaceAll('-', ''), 'hex')
}

/** A decoded string or symbol. */
export function textField(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined
}

/** A decoded number of any width, also as text; undefined when it is no whole number that JavaScript can hold. */
export function integerField(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint' && (typeof value !== 'string' || value === ''))
    return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}

/** A decoded timestamp as ISO 8601; undefined when it is none, or beyond what a date can be. */
export function isoTime(value: unknown): string | undefined {
  const time = value instanceof Date ? value.getTime() : typeof value === 'number' ? value : Number.NaN
  return Math.abs(time) <= MAX_TIME ? new Date(time).toISOString() : undefined
}

/** A time given as ISO 8601, for a timestamp; undefined when it cannot be read. */
export function timeFromIso(text: string | undefined): Date | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : new Date(time)
}

/** The object without the members that are undefined, so that equal meanings are equal objects. */
export function compact<T extends object>(value: T): T {
  const kept: Partial<T> = {}
  for (const name in value) if (value[name] !== undefined) kept[name] = value[name]
  return kept as T
}

const MAX_TIME = 8_640_000_000_000_000
