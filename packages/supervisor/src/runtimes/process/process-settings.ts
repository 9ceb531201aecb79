import { EdgewrightError, type ModuleSpecification } from '@edgewright/core'
import { type ProcessLimits, readProcessLimits } from './process-limits.js'

/** What a module of type `process` is: one program, without a shell. */
export interface ProcessSettings {
  /** A path, or a name that is looked up in the runtime's `PATH`. */
  readonly command: string
  readonly args: readonly string[]
  /** Where it runs; absent: where the gateway does. */
  readonly cwd: string | undefined
  readonly limits: ProcessLimits
}

/**
 * The settings of a module of type `process`.
 *
 * @throws `MODULE_SETTINGS_INVALID`
 */
export function readProcessSettings({ name, settings }: ModuleSpecification): ProcessSettings {
  const { command, args = [], cwd, limits } = settings
  if (!isText(command) || command === '') throw invalid(name, 'command', 'a text that is not empty is wanted')
  if (!Array.isArray(args) || !args.every(isText)) throw invalid(name, 'args', 'a list of texts is wanted')
  if (cwd !== undefined && (!isText(cwd) || cwd === '')) throw invalid(name, 'cwd', 'the path of a folder is wanted')
  return { command, args, cwd, limits: readProcessLimits(name, limits) }
}

/** The operating system ends texts at their first zero. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function invalid(module: string, setting: string, message: string): EdgewrightError {
  return new EdgewrightError('MODULE_SETTINGS_INVALID', `Its setting ${setting} cannot be used: ${message}`, {
    place: module,
    remedy: 'Correct the settings of the module in the deployment.',
  })
}
