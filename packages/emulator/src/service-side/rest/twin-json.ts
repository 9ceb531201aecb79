import type { Identity, JsonObject } from '@edgewright/core'
import type { HubState } from '../../state/hub-state.js'
import type { Section } from '../../state/merge-patch.js'
import { authenticationJson, identityJson, scopes, timeJson } from './identity-json.js'

/** A twin as the REST interface and queries show it. Source: IoT Hub REST reference, `Twin`. */
export function twinJson(identity: Identity, state: HubState): JsonObject {
  const entry = state.registry.get(identity)
  const device = state.registry.get({ deviceId: identity.deviceId })
  const { etag, version, tags, desired, reported, modelId } = state.twins.get(identity)
  const { connectionState, lastActivityTime, cloudToDeviceMessageCount } = identityJson(entry, state)
  const { type, x509Thumbprint } = authenticationJson(entry.authentication)
  return {
    deviceId: identity.deviceId,
    ...(identity.moduleId === undefined ? {} : { moduleId: identity.moduleId }),
    etag,
    deviceEtag: entry.etag,
    status: device.status,
    statusUpdateTime: timeJson(device.statusUpdated),
    connectionState: connectionState ?? null,
    lastActivityTime: lastActivityTime ?? null,
    cloudToDeviceMessageCount: cloudToDeviceMessageCount ?? 0,
    authenticationType: type ?? null,
    x509Thumbprint: x509Thumbprint ?? null,
    modelId: modelId ?? '',
    version,
    tags,
    properties: { desired: sectionJson(desired), reported: sectionJson(reported) },
    capabilities: { iotEdge: entry.isEdgeDevice },
    ...scopes(entry),
  }
}

function sectionJson({ properties, metadata, version }: Section): JsonObject {
  return { ...properties, $metadata: metadata, $version: version }
}
