import { isJsonObject, type JsonObject } from '@edgewright/core'
import type { Configuration, ConfigurationChange } from '../../state/configurations.js'
import { HubError } from '../../state/hub-error.js'
import { parseCondition } from '../query/parser.js'
import type { Deployments } from '../deployments.js'

/** A configuration as the REST interface shows it, with how many it targets and applies to. */
export function configurationJson(configuration: Configuration, deployments: Deployments): JsonObject {
  const targets = deployments.targets(configuration)
  const isForEdge = configuration.content.modulesContent !== undefined
  const applied = isForEdge
    ? targets.filter(({ deviceId }) => deployments.inForce(deviceId).some(({ id }) => id === configuration.id))
    : targets
  const results = { targetedCount: targets.length, appliedCount: applied.length }
  return { ...configuration, contentType: 'assignment', systemMetrics: { results, queries: {} } }
}

/** Reads a configuration of a request. @throws `HUB_ARGUMENT_INVALID` */
export function configurationFromJson(json: JsonObject): ConfigurationChange {
  const { schemaVersion, labels, content, targetCondition, priority, metrics } = json
  if (typeof targetCondition === 'string' && targetCondition !== '') {
    parseCondition(targetCondition.replace(/^\s*from\s+devices\.modules\s+where\s+/i, ''))
  }
  if (priority !== undefined && (typeof priority !== 'number' || !Number.isInteger(priority) || priority < 0)) {
    throw new HubError('ArgumentInvalid', 'priority must be a whole number')
  }
  return {
    ...(typeof schemaVersion === 'string' ? { schemaVersion } : {}),
    ...(isJsonObject(labels) ? { labels } : {}),
    ...(isJsonObject(content) ? { content } : {}),
    ...(typeof targetCondition === 'string' ? { targetCondition } : {}),
    ...(typeof priority === 'number' ? { priority } : {}),
    ...(isJsonObject(metrics) ? { metrics } : {}),
  }
}
