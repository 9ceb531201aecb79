import type { ModuleObservation, ModuleState } from '@edgewright/core'
import type { ContainerInspectInfo } from 'dockerode'
import { specificationOf } from './labels.js'

/** The exit code of a process that ended because it was told to, by the signal that tells so. */
const TERMINATED = 143

/** What a container is, as a module. One that the engine calls dead is none: it can only be removed. */
export function observationOf(container: ContainerInspectInfo, isStoppedByUs: boolean): ModuleObservation | undefined {
  const { State: state } = container
  if (state.Dead) return undefined
  const name = container.Name.replace(/^\//, '')
  const [startedAt, exitedAt] = [timeOf(state.StartedAt), timeOf(state.FinishedAt)]
  const hasEnded = state.Status === 'exited'
  const reason = hasEnded ? reasonOf(state.OOMKilled, state.Error, state.ExitCode) : undefined
  return {
    name,
    state: stateOf(state.Status, state.Health?.Status, state.ExitCode, isStoppedByUs),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(exitedAt === undefined || !hasEnded ? {} : { exitedAt, exitCode: state.ExitCode }),
    ...(reason === undefined ? {} : { reason }),
    ...readinessOf(state.Health?.Status),
    imageDigest: container.Image,
    specification: specificationOf(name, container.Config.Labels),
  }
}

function stateOf(status: string, health: string | undefined, exitCode: number, isStoppedByUs: boolean): ModuleState {
  if (status === 'created') return 'created'
  if (status === 'running' || status === 'restarting') return health === 'unhealthy' ? 'unhealthy' : 'running'
  if (status === 'paused' || exitCode === 0) return 'stopped'
  return isStoppedByUs && exitCode === TERMINATED ? 'stopped' : 'failed'
}

/** What the health check of a container says about it, when it has one. */
function readinessOf(health: string | undefined): { isReady?: boolean } {
  return health === 'healthy' || health === 'starting' ? { isReady: health === 'healthy' } : {}
}

function reasonOf(isOutOfMemory: boolean, error: string, exitCode: number): string | undefined {
  if (isOutOfMemory) return 'it ran out of memory'
  if (error !== '') return error
  return exitCode === 0 ? undefined : `it exited with code ${exitCode}`
}

/** Milliseconds since 1970; undefined for the engine's "never". */
function timeOf(text: string): number | undefined {
  const time = Date.parse(text)
  return time > 0 ? time : undefined
}
