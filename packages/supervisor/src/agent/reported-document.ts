import type { JsonObject } from '@edgewright/core'
import type { Deployment, DesiredModule, RuntimeSettings } from '../manifest/deployment.js'
import type { ModuleStatus } from '../run/module-status.js'
import type { DeploymentOutcome } from './deployment-outcome.js'
import { HIDDEN } from './hide-secrets.js'
import { DETAILS, type Detail, reportedModule } from './reported-module.js'

/** The program that reports. */
export interface AgentDescription {
  readonly version: string
  /** `linux`, `windows`, … */
  readonly os: string
  readonly architecture: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

/** What a report is made of. */
export interface ReportParts {
  readonly agent: AgentDescription
  readonly outcome: DeploymentOutcome
  /** The deployment in force; absent when there is none. */
  readonly deployment: Deployment | undefined
  readonly modules: readonly ModuleStatus[]
}

/** The most that the reported properties of a twin may hold, in bytes. Source: IoT Hub quotas, 32 KB. */
export const MAX_REPORTED_BYTES = 32_768

/**
 * The reported properties of `$edgeAgent`, in the original's shape. Secrets are left out, which the original does not
 * do. What would not fit into the twin is told with less of each module, and at last of fewer modules, those that run
 * last.
 */
export function reportedDocument(parts: ReportParts, maxBytes: number = MAX_REPORTED_BYTES): JsonObject {
  for (const detail of DETAILS) {
    const document = documentOf(parts, detail, [...entriesOf(parts)])
    if (sizeOf(document) <= maxBytes) return document
  }
  const isWell = ({ state }: ModuleStatus) => (state === 'running' ? 1 : 0)
  const worstFirst = [...parts.modules].sort((a, b) => isWell(a) - isWell(b))
  const rest = { ...parts, deployment: parts.deployment && { ...parts.deployment, modules: [] }, modules: worstFirst }
  let entries = [...entriesOf(rest)]
  let document = documentOf(rest, 'state', entries)
  while (sizeOf(document) > maxBytes && entries.length > 0) {
    entries = entries.slice(0, Math.floor(entries.length * 0.9))
    document = documentOf(rest, 'state', entries)
  }
  return document
}

type Entry = readonly [name: string, desired: DesiredModule | undefined, status: ModuleStatus | undefined]

/** Every module that is wanted or there. */
function* entriesOf({ deployment, modules }: ReportParts): Iterable<Entry> {
  const statuses = new Map(modules.map(status => [status.name, status]))
  for (const desired of deployment?.modules ?? []) {
    const { name } = desired.specification
    yield [name, desired, statuses.get(name)]
    statuses.delete(name)
  }
  for (const [name, status] of statuses) yield [name, undefined, status]
}

function documentOf(
  { agent, outcome, deployment }: ReportParts,
  detail: Detail,
  entries: readonly Entry[],
): JsonObject {
  const { version, os, architecture } = agent
  return {
    schemaVersion: '1.0',
    version: { version },
    lastDesiredVersion: outcome.version,
    lastDesiredStatus: { code: outcome.code, description: outcome.description },
    runtime: { platform: { os, architecture, version }, ...runtimeOf(deployment?.runtime) },
    systemModules: systemModulesOf(deployment?.systemModules ?? {}, agent, detail),
    modules: Object.fromEntries(
      entries.map(([name, desired, status]) => [name, reportedModule(desired, status, detail)]),
    ),
  }
}

function runtimeOf(runtime: RuntimeSettings | undefined): JsonObject {
  if (runtime === undefined) return { type: 'Unknown' }
  const { type, minDockerVersion = '', loggingOptions = '', registryCredentials } = runtime
  const credentials = registryCredentials.map(({ id, address, username }) => [
    id,
    { address, username, password: HIDDEN },
  ])
  return {
    type,
    settings: { minDockerVersion, loggingOptions, registryCredentials: Object.fromEntries(credentials) },
  }
}

/** This program stands in for them, so they run as long as it does. */
function systemModulesOf(
  { edgeAgent, edgeHub }: Deployment['systemModules'],
  agent: AgentDescription,
  detail: Detail,
): JsonObject {
  const entry = (desired: DesiredModule | undefined) => {
    if (desired === undefined) return undefined
    const { name, ...rest } = desired.specification
    const observation = {
      name,
      state: 'running',
      startedAt: agent.startedAt,
      specification: { name, ...rest },
    } as const
    const status: ModuleStatus = { name, state: 'running', action: 'rest', reason: '', restarts: 0, observation }
    return reportedModule(desired, status, detail)
  }
  const [reportedAgent, reportedHub] = [entry(edgeAgent), entry(edgeHub)]
  return {
    ...(reportedAgent && { edgeAgent: without(reportedAgent, AGENT_OMITS) }),
    ...(reportedHub && { edgeHub: without(reportedHub, ['version']) }),
  }
}

/** What the original leaves out of its own entry. */
const AGENT_OMITS = ['version', 'status', 'restartPolicy', 'restartCount', 'lastRestartTimeUtc']

function without(entry: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !names.includes(name)))
}

/** Bytes of the document as JSON: a little more than what the hub counts. */
function sizeOf(document: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(document))
}
