import type { ModuleLogLine } from '@edgewright/core'

/** A line of a log with what it says about itself. */
export interface ParsedLogLine {
  readonly stream: ModuleLogLine['stream']
  /** Syslog level, 0 emergency to 7 debug; 6 for a line that says nothing. */
  readonly level: number
  readonly text: string
  /** ISO 8601. */
  readonly timestamp: string
  /** As the module wrote it. */
  readonly raw: string
}

/** `<level> time text`, where the first two may be missing. Source: IoT Edge, built-in logs pull. */
const GRAMMAR = /^(?:<([0-7])>\s*)?(?:(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d) )?([\s\S]*)$/

const INFORMATIONAL = 6

/** What a line says about itself; its time is when the runtime had it. */
export function parseLogLine({ time, stream, text: raw }: ModuleLogLine): ParsedLogLine {
  const [, level, text = raw] = GRAMMAR.exec(raw) ?? []
  const timestamp = new Date(time).toISOString()
  return { stream, level: level === undefined ? INFORMATIONAL : Number(level), text, timestamp, raw }
}
