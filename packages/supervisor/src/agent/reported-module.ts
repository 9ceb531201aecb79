import type { JsonObject, JsonValue } from '@edgewright/core'
import { formatCreateOptions } from '../manifest/create-options.js'
import { type DesiredModule, LAST_STARTUP_ORDER } from '../manifest/deployment.js'
import type { ModuleStatus } from '../run/module-status.js'
import { HIDDEN, hideInOptions, hideInText } from './hide-secrets.js'

/** How much is told of each module, most first. */
export const DETAILS = ['everything', 'without options', 'state and image', 'state'] as const

/** How much is told of each module. */
export type Detail = (typeof DETAILS)[number]

/** What the original writes for a time that never was. */
const NEVER = '0001-01-01T00:00:00Z'

/** The longest text that is told of a module, in characters. */
const MAX_TEXT = 250

/** A module as the original's agent reports it. Source: IoT Edge, reported properties of `$edgeAgent`. */
export function reportedModule(
  desired: DesiredModule | undefined,
  status: ModuleStatus | undefined,
  detail: Detail,
): JsonObject {
  const state = { runtimeStatus: runtimeStatusOf(status), ...runsOf(status) }
  if (detail === 'state') return state
  const specification = desired?.specification ?? status?.observation?.specification
  const described = { ...state, ...timesOf(status), ...descriptionOf(status) }
  if (detail === 'state and image') return { ...described, settings: { image: imageOf(specification?.settings.image) } }
  const options = specification?.settings.createOptions as JsonObject | undefined
  const withOptions = detail === 'everything'
  return {
    ...(desired === undefined ? {} : supervisionOf(desired)),
    type: specification?.type ?? 'unknown',
    ...described,
    settings: {
      image: imageOf(specification?.settings.image),
      imageHash: status?.observation?.imageDigest ?? '',
      ...(withOptions && options !== undefined ? formatCreateOptions(hideInOptions(options)) : {}),
    },
    ...(withOptions ? { env: environmentOf(specification?.environment ?? {}) } : {}),
  }
}

function supervisionOf({ version, status, restartPolicy, imagePullPolicy, startupOrder }: DesiredModule): JsonObject {
  const supervision = { version: version.slice(0, MAX_TEXT), status, restartPolicy, imagePullPolicy }
  return startupOrder === LAST_STARTUP_ORDER ? supervision : { ...supervision, startupOrder }
}

/** Ours has two more than the original: `downloading`, and `unhealthy` that is meant. */
function runtimeStatusOf(status: ModuleStatus | undefined): string {
  if (status === undefined) return 'unknown'
  if (status.state === 'created') return 'stopped'
  if (status.state !== 'missing') return status.state
  return status.failure === undefined ? 'unknown' : 'backoff'
}

function runsOf(status: ModuleStatus | undefined): JsonObject {
  return { exitCode: status?.observation?.exitCode ?? 0, restartCount: status?.restarts ?? 0 }
}

function timesOf(status: ModuleStatus | undefined): JsonObject {
  const { startedAt, exitedAt } = status?.observation ?? {}
  return {
    lastStartTimeUtc: timeOf(startedAt),
    lastExitTimeUtc: timeOf(exitedAt),
    lastRestartTimeUtc: timeOf((status?.restarts ?? 0) > 0 ? startedAt : undefined),
  }
}

function descriptionOf(status: ModuleStatus | undefined): JsonObject {
  if (status === undefined || (status.state === 'running' && status.failure === undefined)) return {}
  const text = status.failure ?? status.reason
  return { statusDescription: `${fetchedOf(status)}${hideInText(text)}`.slice(0, MAX_TEXT) }
}

/** In steps of ten percent: each is a change of the twin. */
function fetchedOf({ progress }: ModuleStatus): string {
  if (progress === undefined) return ''
  const { doneBytes, totalBytes } = progress
  return `${Math.floor((doneBytes / totalBytes) * 10) * 10} % of ${Math.ceil(totalBytes / 1e6)} MB fetched; `
}

function timeOf(time: number | undefined): string {
  return time === undefined ? NEVER : new Date(time).toISOString()
}

function imageOf(image: unknown): string {
  return typeof image === 'string' ? image.slice(0, MAX_TEXT) : ''
}

/** The values stand in the desired properties, for those who may see them. */
function environmentOf(environment: Readonly<Record<string, string>>): JsonValue {
  return Object.fromEntries(Object.keys(environment).map(name => [name, { value: HIDDEN }]))
}
