import { lineLogger, type Logger } from '@edgewright/core'
import type { LogRing } from '../log-ring.js'

/** Writes a module's entries to its own log and, with its name, to the gateway's. */
export function moduleLogger(module: string, log: LogRing, gateway: Logger): Logger {
  const out = lineLogger(line => log.write('stdout', line), 'debug')
  const err = lineLogger(line => log.write('stderr', line), 'debug')
  return {
    log(level, message, fields) {
      const own = level === 'warn' || level === 'error' ? err : out
      own.log(level, message, fields)
      gateway.log(level, message, { module, ...fields })
    },
  }
}
