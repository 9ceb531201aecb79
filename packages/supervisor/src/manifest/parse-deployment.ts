import { isJsonObject, type JsonValue, type ModuleSpecification } from '@edgewright/core'
import { readCreateOptions } from './create-options.js'
import { type Deployment, type DesiredModule, LAST_STARTUP_ORDER, type RuntimeSettings } from './deployment.js'
import { formatImageReference, parseImageReference } from './image-reference.js'
import { ManifestError, type ManifestProblem } from './manifest-error.js'
import { Reader, scalarText } from './reader.js'
import { isSupportedSchemaVersion } from './schema-version.js'

/** What a parser takes for granted. */
export interface DeploymentOptions {
  /** Types of modules that have a runtime. @default docker, process, in-process */
  readonly types?: readonly string[]
}

/** What a parser takes for granted when nothing else is said. */
export const DEPLOYMENT_DEFAULTS = Object.freeze({
  types: Object.freeze(['docker', 'process', 'in-process']),
}) satisfies Required<DeploymentOptions>

const RESTART_POLICIES = ['never', 'on-failure', 'on-unhealthy', 'always'] as const

/**
 * A deployment out of the desired properties of `$edgeAgent`, or out of a whole document with `modulesContent`.
 *
 * @throws ManifestError (`MANIFEST_INVALID`) with everything that is wrong
 */
export function parseDeployment(document: unknown, options: DeploymentOptions = {}): Deployment {
  const desired = desiredOf(document)
  if (!isJsonObject(desired)) throw new ManifestError([{ status: 400, place: '', message: 'it is not a JSON object' }])
  if (Object.keys(desired).every(name => name.startsWith('$'))) {
    throw new ManifestError([{ status: 417, place: '', message: 'it is empty' }])
  }
  const problems: ManifestProblem[] = []
  const reader = new Reader(desired, problems)
  const types = options.types ?? DEPLOYMENT_DEFAULTS.types
  const deployment = {
    schemaVersion: readSchemaVersion(reader),
    runtime: readRuntime(reader.requiredObject('runtime')),
    systemModules: readSystemModules(reader.requiredObject('systemModules')),
    modules: readModules(reader, types),
  }
  const [first, ...more] = problems
  if (first !== undefined) throw new ManifestError([first, ...more])
  return deployment
}

function desiredOf(document: unknown): unknown {
  const content = isJsonObject(document) ? (document.modulesContent ?? document) : document
  const agent = isJsonObject(content) ? content.$edgeAgent : undefined
  return isJsonObject(agent) ? agent['properties.desired'] : content
}

function readSchemaVersion(reader: Reader): string {
  const version = reader.text('schemaVersion')
  if (version === undefined) reader.refuse('schemaVersion', 'it is missing')
  else if (!isSupportedSchemaVersion(version)) reader.refuse('schemaVersion', 'only 1.0 and 1.1 are understood', 412)
  return version ?? ''
}

function readRuntime(runtime: Reader): RuntimeSettings {
  const type = runtime.choice('type', ['docker'])
  const settings = runtime.object('settings')
  const [minDockerVersion, loggingOptions] = [settings?.text('minDockerVersion'), settings?.text('loggingOptions')]
  const credentials = settings?.object('registryCredentials')
  return {
    type,
    ...(minDockerVersion === undefined ? {} : { minDockerVersion }),
    ...(loggingOptions === undefined ? {} : { loggingOptions }),
    registryCredentials: (credentials?.members() ?? []).map(([id, value]) => {
      const entry = credentials!.at(id, value)
      const [address, username] = [entry.requiredText('address'), entry.requiredText('username')]
      return { id, address, username, password: entry.requiredText('password') }
    }),
  }
}

function readSystemModules(reader: Reader): Deployment['systemModules'] {
  const [edgeAgent, edgeHub] = [reader.object('edgeAgent'), reader.object('edgeHub')]
  const agent = { status: 'running', restartPolicy: 'always', startupOrder: 0 } as const
  return {
    ...(edgeAgent && { edgeAgent: { ...readModule('edgeAgent', edgeAgent, ['docker'], 'running'), ...agent } }),
    ...(edgeHub && { edgeHub: readModule('edgeHub', edgeHub, ['docker'], undefined, 'always') }),
  }
}

function readModules(reader: Reader, types: readonly string[]): readonly DesiredModule[] {
  const modules = reader.object('modules')
  return (modules?.members() ?? []).flatMap(([name, value]) => {
    if (/^[a-z0-9][\w.-]{0,127}$/i.test(name)) return readModule(name, modules!.at(name, value), types)
    modules!.refuse(name, 'a module name has up to 128 letters, digits, dots, - and _')
    return []
  })
}

function readModule(
  name: string,
  reader: Reader,
  types: readonly string[],
  status?: DesiredModule['status'],
  restartPolicy: DesiredModule['restartPolicy'] = 'on-unhealthy',
): DesiredModule {
  const type = reader.choice('type', types)
  return {
    specification: {
      name,
      type,
      settings: readSettings(type, reader.requiredObject('settings')),
      environment: readEnvironment(reader.object('env')),
    },
    version: reader.text('version') ?? '',
    status: reader.choice('status', ['running', 'stopped'], status),
    restartPolicy: reader.choice('restartPolicy', RESTART_POLICIES, restartPolicy),
    imagePullPolicy: reader.choice('imagePullPolicy', ['on-create', 'never'], 'on-create'),
    startupOrder: readStartupOrder(reader),
  }
}

function readSettings(type: string, settings: Reader): ModuleSpecification['settings'] {
  if (type !== 'docker') return Object.fromEntries(settings.members())
  const text = settings.requiredText('image')
  const image = parseImageReference(text)
  if (image === undefined && text !== '') settings.refuse('image', 'it is not the name of an image')
  const digest = settings.text('digest')
  return {
    image: image === undefined ? text : formatImageReference(image),
    createOptions: readCreateOptions(settings),
    ...(digest === undefined ? {} : { digest }),
  }
}

function readEnvironment(env: Reader | undefined): Readonly<Record<string, string>> {
  const entries = (env?.members() ?? []).map(([name, entry]) => [name, readVariable(env!, name, entry)] as const)
  return Object.fromEntries(entries)
}

function readVariable(env: Reader, name: string, entry: JsonValue): string {
  if (name === '' || /[=\0]/.test(name)) env.refuse(name, 'the name of a variable has no = and is not empty')
  const value = isJsonObject(entry) ? (env.at(name, entry).value('value') ?? null) : undefined
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return scalarText(value)
  }
  env.refuse(name, 'an object { "value": … } with a text, number or truth value is wanted')
  return ''
}

function readStartupOrder(reader: Reader): number {
  const order = reader.value('startupOrder') ?? LAST_STARTUP_ORDER
  const number = typeof order === 'string' && /^\d+$/.test(order) ? Number(order) : order
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= LAST_STARTUP_ORDER) {
    return number
  }
  reader.refuse('startupOrder', `a whole number from 0 to ${LAST_STARTUP_ORDER} is wanted`)
  return LAST_STARTUP_ORDER
}
