import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  describeStore,
  EdgewrightError,
  formatDescription,
  formatVerification,
  repairStore,
  verifyStore,
} from 'edgewright'
import type { CommandOutput } from '../main.js'

/** What an operation finds: data, the same as text, and whether all is well. */
interface Outcome {
  readonly data: unknown
  readonly text: string
  readonly isWell: boolean
}

/** What can be done to the store of a gateway that does not run. */
const OPERATIONS: Readonly<Record<string, (path: string) => Promise<Outcome>>> = {
  async verify(path) {
    const found = await verifyStore(path)
    return { data: found, text: formatVerification(found), isWell: found.isIntact }
  },
  async show(path) {
    const found = await describeStore(path)
    return { data: found, text: formatDescription(found), isWell: true }
  },
  async repair(path) {
    const findings = await repairStore(path)
    const set = findings.map(({ kind, file, detail }) => `${kind}: ${file ?? path}: ${detail}`)
    return { data: { path, findings }, text: set.length === 0 ? 'Nothing to repair.' : set.join('\n'), isWell: true }
  },
}

/**
 * `store verify | show | repair --data-dir DIR [--json]`
 *
 * @returns the exit code: 0 all is well, 1 the store is damaged
 * @throws `STORE_IN_USE` with the process that has it, `STORE_DAMAGED`, `FLAGS_INVALID`
 */
export async function storeCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { 'data-dir': { type: 'string' }, json: { type: 'boolean' } },
  })
  const [verb = ''] = positionals
  const operation = Object.hasOwn(OPERATIONS, verb) ? OPERATIONS[verb] : undefined
  const dataDir = values['data-dir']
  if (operation === undefined || dataDir === undefined) {
    throw new EdgewrightError('FLAGS_INVALID', 'usage: store verify | show | repair --data-dir DIR [--json]')
  }
  const { data, text, isWell } = await operation(join(dataDir, 'store'))
  output.stdout(values.json === true ? `${JSON.stringify(data)}\n` : `${text}\n`)
  return isWell ? 0 : 1
}
