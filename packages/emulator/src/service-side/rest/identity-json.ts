import { type IdentityAuthentication, isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import type { HubState } from '../../state/hub-state.js'
import { HubError } from '../../state/hub-error.js'
import { generateKey } from '../../state/identifiers.js'
import type { NewDevice, NewModule, RegistryEntry } from '../../state/registry.js'

/** How the REST interface writes a time that never was. */
const NEVER = '0001-01-01T00:00:00Z'

/** A device or module as the REST interface shows it. Source: IoT Hub REST reference, `Device` and `Module`. */
export function identityJson(entry: RegistryEntry, state: HubState): JsonObject {
  const { identity, generationId, etag, managedBy } = entry
  const shared = {
    generationId,
    etag,
    connectionState: state.clients.isConnected(identity) ? 'Connected' : 'Disconnected',
    connectionStateUpdatedTime: NEVER,
    lastActivityTime: NEVER,
    cloudToDeviceMessageCount: state.commands.count(identity),
    authentication: authenticationJson(entry.authentication),
  }
  if (identity.moduleId !== undefined) {
    return { deviceId: identity.deviceId, moduleId: identity.moduleId, managedBy: managedBy ?? null, ...shared }
  }
  return {
    deviceId: identity.deviceId,
    ...shared,
    status: entry.status,
    statusReason: entry.statusReason ?? null,
    statusUpdatedTime: timeJson(entry.statusUpdated),
    capabilities: { iotEdge: entry.isEdgeDevice },
    ...scopes(entry),
  }
}

/** A time as the REST interface shows it, or that there was none. */
export function timeJson(time: number | undefined): string {
  return time === undefined ? NEVER : new Date(time).toISOString()
}

/** The scopes of a device, left out where there are none. */
export function scopes({ deviceScope, parentScopes }: RegistryEntry): JsonObject {
  return {
    ...(deviceScope === undefined ? {} : { deviceScope }),
    ...(parentScopes === undefined || parentScopes.length === 0 ? {} : { parentScopes }),
  }
}

/** How an identity proves itself, as the REST interface shows it. */
export function authenticationJson(authentication: IdentityAuthentication): JsonObject {
  const symmetricKey =
    authentication.type === 'symmetricKey'
      ? { primaryKey: authentication.primaryKey, secondaryKey: authentication.secondaryKey }
      : { primaryKey: null, secondaryKey: null }
  const x509Thumbprint =
    authentication.type === 'thumbprint'
      ? { primaryThumbprint: authentication.primary, secondaryThumbprint: authentication.secondary }
      : { primaryThumbprint: null, secondaryThumbprint: null }
  return { symmetricKey, x509Thumbprint, type: TYPE_NAMES[authentication.type] }
}

/** Reads a device of a request; `id` stands for `deviceId` in bulk calls. @throws `HUB_ARGUMENT_INVALID` */
export function deviceFromJson(json: JsonObject): NewDevice {
  const { capabilities, status, statusReason, deviceScope, parentScopes } = json
  return {
    deviceId: text(json.deviceId ?? json.id, 'deviceId'),
    authentication: authenticationFromJson(json.authentication),
    status: status === 'disabled' ? 'disabled' : status === 'enabled' ? 'enabled' : undefined,
    statusReason: typeof statusReason === 'string' ? statusReason : undefined,
    capabilities: isJsonObject(capabilities) ? { iotEdge: capabilities.iotEdge === true } : undefined,
    deviceScope: typeof deviceScope === 'string' ? deviceScope : undefined,
    parentScopes: Array.isArray(parentScopes) ? parentScopes.map(scope => text(scope, 'parentScopes')) : undefined,
  }
}

/** Reads a module of a request. @throws `HUB_ARGUMENT_INVALID` */
export function moduleFromJson(json: JsonObject): NewModule {
  const { managedBy } = json
  return {
    deviceId: text(json.deviceId ?? json.id, 'deviceId'),
    moduleId: text(json.moduleId, 'moduleId'),
    authentication: authenticationFromJson(json.authentication),
    managedBy: typeof managedBy === 'string' ? managedBy : undefined,
  }
}

/** Keys that are empty or left out are made: the Node SDK sends `""` when it was given none. */
function authenticationFromJson(json: JsonValue | undefined): IdentityAuthentication | undefined {
  if (!isJsonObject(json)) return undefined
  const { symmetricKey, x509Thumbprint, type } = json
  const thumbprints = isJsonObject(x509Thumbprint) ? x509Thumbprint : {}
  const primary = optionalText(thumbprints.primaryThumbprint)
  const secondary = optionalText(thumbprints.secondaryThumbprint)
  if (type === 'none') return { type: 'none' }
  if (type === 'certificateAuthority') return { type: 'certificateAuthority' }
  if (type === 'selfSigned' || (type !== 'sas' && (primary ?? secondary) !== undefined)) {
    if (primary === undefined && secondary === undefined) {
      throw new HubError('ArgumentInvalid', 'selfSigned wants a primaryThumbprint or a secondaryThumbprint')
    }
    return { type: 'thumbprint', primary: primary ?? '', secondary: secondary ?? '' }
  }
  const keys = isJsonObject(symmetricKey) ? symmetricKey : {}
  return {
    type: 'symmetricKey',
    primaryKey: optionalText(keys.primaryKey) ?? generateKey(),
    secondaryKey: optionalText(keys.secondaryKey) ?? generateKey(),
  }
}

const TYPE_NAMES: Readonly<Record<IdentityAuthentication['type'], string>> = {
  symmetricKey: 'sas',
  thumbprint: 'selfSigned',
  certificateAuthority: 'certificateAuthority',
  none: 'none',
}

function optionalText(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function text(value: JsonValue | undefined, name: string): string {
  if (typeof value !== 'string') throw new HubError('ArgumentInvalid', `${name} must be text`)
  return value
}
