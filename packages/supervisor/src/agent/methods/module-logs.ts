import type { ModuleLogLine, ModuleLogQuery } from '@edgewright/core'
import { BoundedPattern } from './bounded-pattern.js'
import { type ParsedLogLine, parseLogLine } from './log-line.js'
import type { LogFilter, LogItem, LogRequest } from './log-request.js'

/** Where logs come from, and how lines of JSON name it. */
export interface LogSource {
  /** Names of all modules. */
  names(): readonly string[]
  logs(name: string, query: ModuleLogQuery, signal: AbortSignal): AsyncIterable<ModuleLogLine>
  readonly hub: string
  readonly deviceId: string
}

/** Lines that are looked at together. */
const PORTION = 500

/** The modules that are asked for, each with the filter of the first item that its name fits. */
export function selectModules(items: readonly LogItem[], names: readonly string[]): ReadonlyMap<string, LogFilter> {
  const selected = new Map<string, LogFilter>()
  for (const { id, filter } of items) {
    const fits = id.toLowerCase() === 'all' ? names.map(() => true) : new BoundedPattern(id, 'i').test(names)
    for (const [index, name] of names.entries()) if (fits[index] && !selected.has(name)) selected.set(name, filter)
  }
  return selected
}

/**
 * A module's log as text, in pieces: lines as the module wrote them, or an array of JSON objects.
 *
 * @throws `METHOD_PAYLOAD_INVALID` when its pattern takes too long
 */
export async function* writeLog(
  source: LogSource,
  name: string,
  filter: LogFilter,
  contentType: LogRequest['contentType'],
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  let isFirst = true
  if (contentType === 'json') yield '['
  for await (const lines of filtered(source, name, filter, signal)) {
    const texts = lines.map(line => (contentType === 'json' ? jsonOf(line, source, name) : `${line.raw}\n`))
    if (texts.length === 0) continue
    yield contentType === 'json' ? `${isFirst ? '' : ','}${texts.join(',')}` : texts.join('')
    isFirst = false
  }
  if (contentType === 'json') yield ']'
}

/** The lines that pass the filter, in portions. The tail is taken first: the filter looks at the last lines only. */
async function* filtered(source: LogSource, name: string, filter: LogFilter, signal: AbortSignal) {
  const { tail, since, until, level = 7, regex } = filter
  const pattern = regex === undefined ? undefined : new BoundedPattern(regex)
  const pass = (lines: readonly ParsedLogLine[]) => {
    const fits = pattern?.test(lines.map(({ text }) => text))
    return lines.filter((line, index) => line.level <= level && (fits === undefined || fits[index]))
  }
  let portion: ParsedLogLine[] = []
  for await (const line of source.logs(name, { tail, since, until }, signal)) {
    portion.push(parseLogLine(line))
    if (portion.length < PORTION) continue
    yield pass(portion)
    portion = []
  }
  yield pass(portion)
}

function jsonOf({ stream, level, text, timestamp }: ParsedLogLine, { hub, deviceId }: LogSource, id: string): string {
  return JSON.stringify({ iothub: hub, device: deviceId, id, stream, loglevel: level, text, timestamp })
}
