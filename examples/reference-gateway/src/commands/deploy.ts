import { parseArgs } from 'node:util'
import {
  changesOf,
  DockerRuntime,
  EdgewrightError,
  formatPlan,
  type JsonValue,
  lineLogger,
  ManifestError,
  parseDeployment,
  type Plan,
  ProcessRuntime,
  Supervisor,
} from 'edgewright'
import { askGateway } from '../control/control-client.js'
import { readDocument } from '../deployment-file.js'
import type { CommandOutput } from '../main.js'

const USAGE = `Usage:
  deploy --plan FILE [--data-dir DIR] [--json]
      Says what a deployment would change, and why; changes nothing. With --data-dir, of the gateway that runs there;
      without, of the containers that the engine of this machine has.
      Exit code: 0 nothing would change, 2 something would, 1 it cannot be said
  deploy FILE --data-dir DIR [--json]
      Has a running gateway carry a deployment out; it stands until the cloud's own changes.
`

/** Something would change. */
const WOULD_CHANGE = 2

/** `deploy [--plan] FILE`. @returns the exit code, as the usage says */
export async function deployCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { plan: { type: 'boolean' }, 'data-dir': { type: 'string' }, json: { type: 'boolean' } },
  })
  const [file, ...more] = positionals
  const { plan: isPlan = false, 'data-dir': dataDir, json: isJson = false } = values
  if (file === undefined || more.length > 0 || (!isPlan && dataDir === undefined)) {
    output.stderr(USAGE)
    return 1
  }
  const document = await readDocument(file)
  const plan = dataDir === undefined ? await planAlone(document, output) : await planOf(dataDir, document)
  output.stdout(isJson ? `${JSON.stringify(jsonOf(plan, isPlan))}\n` : `${formatPlan(plan)}\n`)
  if (isPlan) return changesOf(plan).length === 0 ? 0 : WOULD_CHANGE
  await askGateway(dataDir!, 'POST deployment', '', document)
  if (!isJson) output.stdout('the deployment is in force\n')
  return 0
}

/** Asks the gateway that runs. */
async function planOf(dataDir: string, document: JsonValue): Promise<Plan> {
  return (await askGateway(dataDir, 'POST deployment/plan', '', document)) as unknown as Plan
}

/** Looks at the engine of this machine; modules inside a gateway are not seen. */
async function planAlone(document: JsonValue, { stderr }: CommandOutput): Promise<Plan> {
  const deployment = parsed(document)
  const logger = lineLogger(line => stderr(`${line}\n`))
  const docker = new DockerRuntime({ logger })
  const functions = deployment.modules.filter(({ specification }) => specification.type === 'in-process')
  if (functions.length > 0) stderr('modules inside a gateway are left out: name the gateway with --data-dir\n')
  await using supervisor = new Supervisor({ runtimes: [docker, new ProcessRuntime()] })
  supervisor.apply([], true)
  await supervisor.start()
  if (!docker.isSynchronised && deployment.modules.some(({ specification }) => specification.type === 'docker')) {
    throw new EdgewrightError('ENGINE_UNAVAILABLE', 'The container engine cannot be reached', {
      remedy: 'Check that it runs, and that this user may use its socket.',
    })
  }
  return supervisor.preview(deployment.modules.filter(module => !functions.includes(module)))
}

function parsed(document: JsonValue) {
  try {
    return parseDeployment(document)
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    throw manifestInvalid(error)
  }
}

/** Every problem with its place, one a line. */
export function manifestInvalid({ problems, remedy }: ManifestError): EdgewrightError {
  const lines = problems.map(({ status, message }) => `  ${status} ${message}`)
  return new EdgewrightError('MANIFEST_INVALID', ['The deployment cannot be used:', ...lines, ''].join('\n'), {
    remedy,
  })
}

/** Times of a monotonic clock mean nothing outside. */
function jsonOf(plan: Plan, isPlan: boolean) {
  const changes = changesOf(plan).map(({ name, action, steps, reason }) => ({ name, action, steps, reason }))
  return { applied: !isPlan, changes, unchanged: plan.due.length + plan.later.length - changes.length }
}
