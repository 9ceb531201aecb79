import {
  type IdentityAuthentication,
  type IdentityRecord,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '@edgewright/core'

/** One page of a scope, as the hub answers. */
export interface ScopePage {
  readonly records: readonly IdentityRecord[]
  /** Path of the next page, when there is one. */
  readonly next?: string | undefined
}

/** Reads a page: devices first, then modules. What is no identity is left out; undefined when it is no page at all. */
export function parseScopePage(document: JsonValue | undefined): ScopePage | undefined {
  if (!isJsonObject(document)) return undefined
  const records = [...objects(document.devices), ...objects(document.modules)].map(parseRecord)
  const next = text(document.continuationLink)
  const known = records.filter(record => record !== undefined)
  return next === undefined ? { records: known } : { records: known, next }
}

function parseRecord(entry: JsonObject): IdentityRecord | undefined {
  const deviceId = text(entry.deviceId)
  if (deviceId === undefined) return undefined
  const moduleId = text(entry.moduleId)
  const deviceScope = text(entry.deviceScope)
  return {
    identity: moduleId === undefined ? { deviceId } : { deviceId, moduleId },
    generationId: text(entry.generationId) ?? '',
    status: text(entry.status)?.toLowerCase() === 'disabled' ? 'disabled' : 'enabled',
    authentication: parseAuthentication(entry.authentication),
    isEdgeDevice: isJsonObject(entry.capabilities) && entry.capabilities.iotEdge === true,
    ...(deviceScope === undefined ? {} : { deviceScope }),
    ...(Array.isArray(entry.parentScopes) ? { parentScopes: entry.parentScopes.filter(isText) } : {}),
  }
}

function parseAuthentication(value: JsonValue | undefined): IdentityAuthentication {
  if (!isJsonObject(value)) return { type: 'none' }
  const keys = isJsonObject(value.symmetricKey) ? value.symmetricKey : {}
  const thumbprints = isJsonObject(value.x509Thumbprint) ? value.x509Thumbprint : {}
  switch (text(value.type)?.toLowerCase()) {
    case 'sas':
      return {
        type: 'symmetricKey',
        primaryKey: text(keys.primaryKey) ?? '',
        secondaryKey: text(keys.secondaryKey) ?? '',
      }
    case 'selfsigned':
      return {
        type: 'thumbprint',
        primary: text(thumbprints.primaryThumbprint) ?? '',
        secondary: text(thumbprints.secondaryThumbprint) ?? '',
      }
    case 'certificateauthority':
      return { type: 'certificateAuthority' }
    default:
      return { type: 'none' }
  }
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

function text(value: JsonValue | undefined): string | undefined {
  return isText(value) && value !== '' ? value : undefined
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string'
}
