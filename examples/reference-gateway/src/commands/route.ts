import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { CommandOutput } from '../main.js'
import {
  checkRoutes,
  type CompiledRoutes,
  describeError,
  explain,
  formatExplanation,
  formatRouteErrors,
  readMessageDocument,
  type RouteError,
  type RouteWarning,
  type Semantics,
} from 'edgewright'

const USAGE = `Usage:
  route check FILE [--strict] [--compare] [--semantics edgewright|iotedge] [--json]
      Reads the routes of a deployment manifest, of {"routes": {…}} or of {"NAME": "FROM … INTO …"}.
      --strict   warnings count as errors
      --compare  also warns of rules that IoT Edge reads or answers differently
  route explain FILE --message FILE [--semantics edgewright|iotedge] [--json]
      Says what each route makes of a message: {"from": "/messages/modules/NAME", "properties": {…}, "body": …}
`

/**
 * `route check` and `route explain`.
 *
 * @returns the exit code: 0 fine, 1 errors in the routes (or warnings, when asked), 2 a call that cannot be carried out.
 */
export async function routeCommand(args: readonly string[], io: CommandOutput): Promise<number> {
  try {
    const call = readCall(args)
    if (call === undefined) {
      io.stderr(USAGE)
      return 2
    }
    const document = await readJson(call.file)
    const compiled = checkRoutes(document, { semantics: call.semantics, comparedToIotEdge: call.compare })
    return call.message === undefined
      ? check(compiled, call, io)
      : await explainMessage(compiled, call.message, call, io)
  } catch (error) {
    io.stderr(`${describeError(error)}\n`)
    return 2
  }
}

interface Call {
  readonly file: string
  /** The file of the message to explain. */
  readonly message: string | undefined
  readonly semantics: Semantics
  readonly strict: boolean
  readonly compare: boolean
  readonly json: boolean
}

function readCall(args: readonly string[]): Call | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      message: { type: 'string' },
      semantics: { type: 'string', default: 'edgewright' },
      strict: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const [action, file, ...others] = positionals
  const { semantics, message } = values
  const complete = (action === 'check' && message === undefined) || (action === 'explain' && message !== undefined)
  if (!complete || file === undefined || others.length > 0) return undefined
  if (semantics !== 'edgewright' && semantics !== 'iotedge') return undefined
  return { file, message, semantics, strict: values.strict, compare: values.compare, json: values.json }
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${file} is no JSON: ${describeError(error)}`)
  }
}

function check({ table, errors, warnings }: CompiledRoutes, { strict, json }: Call, io: CommandOutput): number {
  if (json) {
    const report = {
      routes: table.routes.map(({ name }) => name),
      errors: errors.map(plain),
      warnings: warnings.map(plain),
    }
    io.stdout(`${JSON.stringify(report)}\n`)
  } else {
    io.stdout(formatRouteErrors([...errors, ...warnings]))
    io.stdout(
      `${count(table.routes.length, 'route')} fine, ${count(errors.length, 'error')}, ${count(warnings.length, 'warning')}\n`,
    )
  }
  return errors.length > 0 || (strict && warnings.length > 0) ? 1 : 0
}

async function explainMessage(
  compiled: CompiledRoutes,
  file: string,
  { json }: Call,
  io: CommandOutput,
): Promise<number> {
  const { message, source } = readMessageDocument(await readJson(file))
  const explanation = explain(compiled.table, message, source)
  const { errors } = compiled
  if (json) io.stdout(`${JSON.stringify({ ...explanation, errors: errors.map(plain) })}\n`)
  else io.stdout(formatExplanation(explanation))
  if (errors.length > 0 && !json) io.stderr(formatRouteErrors(errors))
  return errors.length > 0 ? 1 : 0
}

/** A problem as JSON, without what only a running program needs. */
function plain(problem: RouteError | RouteWarning) {
  const { code, route, line, column, span, message, excerpt, hint } = problem
  return { code, route, line, column, span, message, excerpt, hint }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
