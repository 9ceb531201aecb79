import type { JsonObject, JsonValue, ModuleObservation, ModuleState } from '@edgewright/core'
import type { SharedOperation } from './operation.js'

/** The modules of this device. Of what they were made from the image is told and nothing else: the rest may be secret. */
export const modules: SharedOperation = async ({ signal }, parts) => {
  const all = await parts.modules.list(signal)
  return { status: 200, json: { modules: all.map(moduleDetails) } }
}

const STATUS_NAMES: Readonly<Record<ModuleState, string>> = {
  created: 'stopped',
  running: 'running',
  unhealthy: 'running',
  stopped: 'stopped',
  failed: 'failed',
}

/** A module as the API shows it. Source: agent reference, section 7.4, `ModuleDetails`. */
function moduleDetails(observation: ModuleObservation): JsonObject {
  const { name, state, startedAt, exitedAt, exitCode, reason, specification } = observation
  const { image } = specification.settings
  return {
    id: 'id',
    name,
    type: specification.type,
    config: { settings: { image: typeof image === 'string' ? image : '', createOptions: {} }, env: [] },
    status: {
      ...(startedAt === undefined ? {} : { startTime: new Date(startedAt).toISOString() }),
      ...exitStatus(exitedAt, exitCode),
      runtimeStatus: { status: STATUS_NAMES[state], ...(reason === undefined ? {} : { description: reason }) },
    },
  }
}

function exitStatus(exitedAt: number | undefined, exitCode: number | undefined): Record<string, JsonValue> {
  if (exitedAt === undefined) return {}
  return { exitStatus: { exitTime: new Date(exitedAt).toISOString(), statusCode: String(exitCode ?? 0) } }
}
