import { parseArgs } from 'node:util'
import { EdgewrightError, isJsonObject, type JsonValue } from 'edgewright'
import { askGateway } from '../control/control-client.js'
import type { CommandOutput } from '../main.js'

/** What each command does with what it is given; `name` says what that is. */
const DEAD_LETTERS: Readonly<Record<string, Action>> = {
  list: { operation: 'GET dead-letters' },
  show: { operation: 'GET dead-letters/show', name: 'KEY' },
  retry: { operation: 'POST dead-letters/retry', name: 'KEY' },
  drop: { operation: 'POST dead-letters/drop', name: 'KEY' },
}
const ENDPOINTS: Readonly<Record<string, Action>> = {
  list: { operation: 'GET endpoints' },
  purge: { operation: 'POST endpoints/purge', name: 'ENDPOINT' },
}

const MODULES: Readonly<Record<string, Action>> = {
  list: { operation: 'GET modules' },
  restart: { operation: 'POST modules/restart', name: 'MODULE' },
}
const CERTIFICATES: Readonly<Record<string, Action>> = { list: { operation: 'GET certificates' } }

interface Action {
  readonly operation: string
  /** What must be named; absent: nothing. */
  readonly name?: string
}

/** `dead-letters list|show KEY|retry KEY|drop KEY --data-dir DIR [--json]` */
export function deadLettersCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  return ask('dead-letters', DEAD_LETTERS, args, output)
}

/** `endpoints list|purge ENDPOINT --data-dir DIR [--json]` */
export function endpointsCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  return ask('endpoints', ENDPOINTS, args, output)
}

/** `modules list|restart MODULE --data-dir DIR [--json]` */
export function modulesCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  return ask('modules', MODULES, args, output)
}

/** `certificates list --data-dir DIR [--json]` */
export function certificatesCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  return ask('certificates', CERTIFICATES, args, output)
}

async function ask(
  command: string,
  actions: Readonly<Record<string, Action>>,
  args: readonly string[],
  output: CommandOutput,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { 'data-dir': { type: 'string' }, json: { type: 'boolean' } },
  })
  const [verb = '', name] = positionals
  const action = Object.hasOwn(actions, verb) ? actions[verb] : undefined
  const dataDir = values['data-dir']
  if (action === undefined || dataDir === undefined || (action.name !== undefined && name === undefined)) {
    const usages = Object.entries(actions).map(([each, { name: what }]) => `${each}${what ? ` ${what}` : ''}`)
    throw new EdgewrightError('FLAGS_INVALID', `usage: ${command} ${usages.join(' | ')} --data-dir DIR [--json]`)
  }
  const answer = await askGateway(dataDir, action.operation, name)
  output.stdout(values.json === true ? `${JSON.stringify(answer)}\n` : render(answer))
  return 0
}

/** A list as a line an entry, anything else as indented JSON. */
function render(answer: JsonValue): string {
  if (answer === null) return 'done\n'
  if (!Array.isArray(answer)) return `${JSON.stringify(answer, undefined, 2)}\n`
  if (answer.length === 0) return 'none\n'
  const line = (entry: JsonValue) => (isJsonObject(entry) ? Object.values(entry).join('  ') : String(entry))
  return `${answer.map(line).join('\n')}\n`
}
