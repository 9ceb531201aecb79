import { EdgewrightError, isJsonObject, parseByteSize } from '@edgewright/core'

/** What a program may use; what is left out is not limited. */
export interface ProcessLimits {
  /** Bytes of memory that it writes to. */
  readonly memory?: number
  readonly openFiles?: number
  /** Of the gateway's user, all together. */
  readonly processes?: number
  /** Seconds of processor time, after which it is ended. */
  readonly processorTime?: number
}

/** How each limit is told to `prlimit` of util-linux. */
const FLAGS: Readonly<Record<keyof ProcessLimits, string>> = Object.freeze({
  memory: '--data',
  openFiles: '--nofile',
  processes: '--nproc',
  processorTime: '--cpu',
})

/**
 * The setting `limits` of a module.
 *
 * @param value - `memory` may be a text such as `256 MiB`
 * @throws `MODULE_SETTINGS_INVALID`
 */
export function readProcessLimits(module: string, value: unknown): ProcessLimits {
  if (value === undefined) return {}
  if (!isJsonObject(value)) throw invalid(module, 'limits', 'an object is wanted')
  const limits: Record<string, number> = {}
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(FLAGS, name))
      throw invalid(module, `limits.${name}`, `it is none of ${Object.keys(FLAGS).join(', ')}`)
    limits[name] = amountOf(module, name, given)
  }
  return limits
}

/** What `prlimit` is called with, before the program and its own arguments. */
export function limitArguments(limits: ProcessLimits): readonly string[] {
  const flags = Object.entries(limits).map(([name, value]) => `${FLAGS[name as keyof ProcessLimits]}=${value}`)
  return [...flags, '--']
}

function amountOf(module: string, name: string, given: unknown): number {
  const amount = name === 'memory' && typeof given === 'string' ? bytesOf(given) : given
  if (typeof amount === 'number' && Number.isSafeInteger(amount) && amount > 0) return amount
  const wanted =
    name === 'memory' ? 'bytes, or a text such as "256 MiB", are wanted' : 'a whole number above 0 is wanted'
  throw invalid(module, `limits.${name}`, wanted)
}

function bytesOf(text: string): number | undefined {
  try {
    return parseByteSize(text)
  } catch {
    return undefined
  }
}

function invalid(module: string, setting: string, message: string): EdgewrightError {
  return new EdgewrightError('MODULE_SETTINGS_INVALID', `Its setting ${setting} cannot be used: ${message}`, {
    place: module,
    remedy: 'Correct the settings of the module in the deployment.',
  })
}
