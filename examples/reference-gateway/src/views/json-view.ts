import type { View } from './view.js'

/** Newline-delimited JSON events, and nothing else; log lines go to the other stream. */
export function jsonView(write: (text: string) => void, writeLog: (text: string) => void): View {
  const event = (name: string, content: object = {}) => write(`${JSON.stringify({ event: name, ...content })}\n`)
  return {
    ready: ready => event('ready', ready),
    connectivity: connectivity => event('connectivity', connectivity),
    status: status => event('status', status),
    log: line => writeLog(`${line}\n`),
    stopping: signal => event('stopping', { signal }),
    stopped: () => event('stopped'),
  }
}
