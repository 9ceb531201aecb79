import { access, constants, realpath, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve, sep } from 'node:path'
import { EdgewrightError, type ModuleSpecification } from '@edgewright/core'
import { moduleForbidden } from '../module-error.js'
import type { ProcessSettings } from './process-settings.js'

/** Where programs are looked for, and which of them may be run. */
export interface ProgramPlaces {
  /** Folders in which a command without a slash is looked for, as `PATH` has them. */
  readonly path: string
  /** Files, and folders of them; absent: any program. */
  readonly allowed: readonly string[] | undefined
}

/**
 * The file of a module's program, with every link followed.
 *
 * @throws `MODULE_NOT_AVAILABLE` when there is none, or its folder does not exist; `MODULE_FORBIDDEN`
 */
export async function findProgram(
  { name }: ModuleSpecification,
  { command, cwd = '.' }: ProcessSettings,
  { path, allowed }: ProgramPlaces,
): Promise<string> {
  if (!(await isFolder(cwd))) throw notAvailable(name, `there is no folder ${cwd}`)
  const isPath = command.includes('/') || command.includes(sep)
  const folders = isPath ? [isAbsolute(command) ? '' : resolve(cwd)] : path.split(delimiter)
  for (const folder of folders) {
    const file = folder === '' ? command : join(folder, command)
    if (!(await isProgram(file))) continue
    const program = await realpath(file)
    if (allowed !== undefined && !(await isAmong(program, allowed))) throw moduleForbidden(name, `the program ${file}`)
    // The name by which it was called: some programs do as they are called.
    return file
  }
  throw notAvailable(name, `there is no program ${command}`)
}

async function isAmong(program: string, allowed: readonly string[]): Promise<boolean> {
  for (const place of allowed) {
    const real = await realpath(place).catch(() => undefined)
    if (real !== undefined && (program === real || program.startsWith(real + sep))) return true
  }
  return false
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

function notAvailable(name: string, reason: string): EdgewrightError {
  return new EdgewrightError('MODULE_NOT_AVAILABLE', `The program cannot be had: ${reason}`, {
    place: name,
    remedy: 'Install it, or correct the command of the deployment.',
  })
}
