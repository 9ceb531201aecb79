#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { describeError } from 'edgewright'
import { deployCommand } from './commands/deploy.js'
import { certificatesCommand, deadLettersCommand, endpointsCommand, modulesCommand } from './commands/queues.js'
import { routeCommand } from './commands/route.js'
import { runCommand } from './commands/run.js'
import { storeCommand } from './commands/store.js'

/** Where a command writes. */
export interface CommandOutput {
  stdout(text: string): void
  stderr(text: string): void
}

/** What the first argument names; without one of these names the gateway runs. Each gives an exit code. */
const COMMANDS: Readonly<Record<string, (args: readonly string[], output: CommandOutput) => Promise<number>>> = {
  certificates: certificatesCommand,
  'dead-letters': deadLettersCommand,
  deploy: deployCommand,
  endpoints: endpointsCommand,
  modules: modulesCommand,
  route: routeCommand,
  store: storeCommand,
}

/** Does what the command line asks for, and sets the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  const [name = '', ...rest] = args
  const output: CommandOutput = {
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
  }
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
    process.exitCode = command === undefined ? await runCommand(args) : await command(rest, output)
  } catch (error) {
    output.stderr(`${describeError(error)}\n`)
    process.exitCode = 1
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await main(process.argv.slice(2))
}
