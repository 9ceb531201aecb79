import type { Connectivity, GatewayStatus } from 'edgewright'
import { connectionLines } from './connection-lines.js'
import type { Ready, View } from './view.js'

/** The part of a terminal that is needed. */
export interface Terminal {
  write(text: string): unknown
  readonly columns: number
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const CLEAR = '\u001b[H\u001b[2J'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'
const bold = (text: string) => `\u001b[1m${text}\u001b[22m`
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`
const green = (text: string) => `\u001b[32m${text}\u001b[39m`
const red = (text: string) => `\u001b[31m${text}\u001b[39m`

const BARS = '▁▂▃▄▅▆▇█'
const HISTORY = 24
const LOG_LINES = 5
/** Milliseconds over which a rate is taken. */
const RATE_SPAN = 1_000

/** One screen that is redrawn in place: what flows, what waits, how the cloud is. */
export function liveView(terminal: Terminal): View {
  let ready: Ready | undefined
  const logs: string[] = []
  const rates = new Map<string, number[]>()
  let before: GatewayStatus | undefined
  terminal.write(`${HIDE_CURSOR}${CLEAR}${dim('starting …')}`)
  return {
    ready(value) {
      ready = value
    },
    connectivity: () => undefined,
    status(status) {
      if (before === undefined || status.at - before.at >= RATE_SPAN) {
        recordRates(rates, before, status)
        before = status
      }
      terminal.write(HOME)
      for (const line of screen(status, rates, ready, logs, terminal.columns)) {
        terminal.write(`${clip(line, terminal.columns)}${CLEAR_LINE}\n`)
      }
      terminal.write(CLEAR_BELOW)
    },
    log(line) {
      logs.push(line)
      if (logs.length > LOG_LINES) logs.shift()
    },
    stopping: signal => terminal.write(`\n${dim(`${signal}: stopping …`)}`),
    stopped: () => terminal.write(`\r${CLEAR_LINE}stopped${SHOW_CURSOR}\n`),
  }
}

function screen(
  status: GatewayStatus,
  rates: ReadonlyMap<string, readonly number[]>,
  ready: Ready | undefined,
  logs: readonly string[],
  columns: number,
): string[] {
  return [
    `${bold('Edgewright')}  reference gateway   ${cloudLine(status.connectivity)}`,
    '',
    bold(row('route', 'messages', 'per second', '')),
    ...status.routes.map(({ name, messages }) => {
      const history = rates.get(name) ?? []
      return row(name, count(messages), (history.at(-1) ?? 0).toFixed(1), sparkline(history))
    }),
    '',
    bold(row('queue', 'waiting', 'delivered', '')),
    ...status.queues.map(({ endpoint, waiting, delivered }) => row(endpoint, count(waiting), count(delivered), '')),
    '',
    bold(row('module', 'state', 'restarts', '')),
    ...status.modules.map(({ name, state, restarts }) => row(name, state, String(restarts), '')),
    '',
    `${bold('clients')}  ${status.clients.map(({ id, transport }) => `${id} ${dim(transport)}`).join('   ') || dim('none')}`,
    '',
    ...(ready === undefined ? [] : connectionLines(ready).flatMap(line => wrap(line, columns))),
    '',
    ...logs.map(dim),
    dim('Ctrl-C stops.'),
  ]
}

function cloudLine(connectivity: Connectivity): string {
  const since = new Date(connectivity.since).toLocaleTimeString()
  if (connectivity.type === 'online') return `${green('●')} cloud online since ${since}`
  return `${red('●')} cloud offline since ${since}: ${connectivity.reason}`
}

function recordRates(rates: Map<string, number[]>, before: GatewayStatus | undefined, now: GatewayStatus): void {
  if (before === undefined) return
  const seconds = Math.max(0.001, (now.at - before.at) / 1000)
  const earlier = new Map(before.routes.map(({ name, messages }) => [name, messages]))
  for (const { name, messages } of now.routes) {
    const history = rates.get(name) ?? []
    history.push((messages - (earlier.get(name) ?? 0)) / seconds)
    if (history.length > HISTORY) history.shift()
    rates.set(name, history)
  }
}

function sparkline(values: readonly number[]): string {
  const top = Math.max(1, ...values)
  return values.map(value => BARS[Math.min(BARS.length - 1, Math.floor((value / top) * BARS.length))]).join('')
}

function row(first: string, second: string, third: string, fourth: string): string {
  return `${first.padEnd(32)}${second.padStart(12)}${third.padStart(12)}  ${fourth}`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** A line as many as it needs, so that it can be copied whole. */
function wrap(line: string, columns: number): string[] {
  const lines: string[] = []
  for (let at = 0; at < line.length; at += columns) lines.push(line.slice(at, at + columns))
  return lines
}

/** Cuts a line to the width of the terminal; escape sequences do not count. */
function clip(line: string, columns: number): string {
  let width = 0
  let result = ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    if (part.startsWith('\u001b')) result += part
    else {
      result += part.slice(0, Math.max(0, columns - width))
      width += part.length
    }
  }
  return result
}
