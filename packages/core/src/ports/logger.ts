/** How grave an entry is. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What an entry carries beside its text. Never put a secret here. */
export type LogFields = Readonly<Record<string, unknown>>

/** Takes what happens, for operators. Must not throw and must not block. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void
}

/** Says nothing. */
export const silentLogger: Logger = Object.freeze({ log: () => undefined })

/**
 * Writes one line an entry.
 *
 * @param write - takes a line without its end
 * @param minimum - what is less grave is left out; `info` by default
 */
export function lineLogger(write: (line: string) => void, minimum: LogLevel = 'info'): Logger {
  const threshold = LEVELS.indexOf(minimum)
  return {
    log(level, message, fields) {
      if (LEVELS.indexOf(level) < threshold) return
      const rest = fields === undefined ? '' : Object.entries(fields).map(field).join('')
      write(`${new Date().toISOString()} ${level.padEnd(5)} ${message}${rest}`)
    },
  }
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

function field([name, value]: [string, unknown]): string {
  if (value === undefined) return ''
  const text = textOf(value)
  return ` ${name}=${/^[\w.:/@$%-]+$/.test(text) ? text : JSON.stringify(text)}`
}

/** A value as text, whatever it is: an entry that cannot be written whole is still worth more than none. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    if (value instanceof Error) return String(value.message)
    return JSON.stringify(value, plainMembers()) ?? String(value)
  } catch {
    return '[unreadable]'
  }
}

/** Writes big integers as text, and leaves out what lies in a circle. */
function plainMembers(): (this: unknown, name: string, member: unknown) => unknown {
  const around: unknown[] = []
  return function (_, member) {
    if (typeof member === 'bigint') return String(member)
    if (typeof member !== 'object' || member === null) return member
    // `this` holds the member: what came after it on the way here is not around any more.
    while (around.length > 0 && around.at(-1) !== this) around.pop()
    if (around.includes(member)) return '[circular]'
    around.push(member)
    return member
  }
}
