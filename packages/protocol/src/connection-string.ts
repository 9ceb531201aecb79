import { EdgewrightError, type Identity } from '@edgewright/core'

/** The longest connection string that is looked at, in characters. */
export const MAX_CONNECTION_STRING_LENGTH = 16_384

/** How the holder of an identity's connection string proves who it is. */
export type ConnectionCredential =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'certificate' }

/** The connection string of a device or module. */
export interface IdentityConnectionString {
  readonly kind: 'identity'
  /** Host of the hub, with `:port` when the string gives one. */
  readonly hostName: string
  readonly identity: Identity
  readonly credential: ConnectionCredential
  /** Where to connect instead of the hub: a gateway, with `:port` when the string gives one. */
  readonly gatewayHostName?: string | undefined
}

/** The connection string of a service: rights come from a shared access policy. */
export interface ServiceConnectionString {
  readonly kind: 'service'
  readonly hostName: string
  readonly policy: string
  readonly credential: ConnectionCredential
}

/** Any connection string of an IoT hub. */
export type ConnectionString = IdentityConnectionString | ServiceConnectionString

/**
 * Reads a connection string of a device, module or service. Names are taken without regard to case, in any order;
 * unknown ones are passed over.
 *
 * @throws `CONNECTION_STRING_INVALID`; the error never holds a value of the string.
 */
export function parseConnectionString(text: string): ConnectionString {
  const parts = parseParts(text)
  const hostName = parts.get('hostname')
  if (!hostName) throw invalid('HostName is missing')
  const deviceId = parts.get('deviceid')
  const moduleId = parts.get('moduleid')
  const policy = parts.get('sharedaccesskeyname')
  if (deviceId) {
    const gatewayHostName = parts.get('gatewayhostname')
    return {
      kind: 'identity',
      hostName,
      identity: moduleId ? { deviceId, moduleId } : { deviceId },
      credential: credentialOf(parts),
      ...(gatewayHostName ? { gatewayHostName } : {}),
    }
  }
  if (moduleId) throw invalid('ModuleId stands without DeviceId')
  if (!policy) throw invalid('neither DeviceId nor SharedAccessKeyName is given')
  return { kind: 'service', hostName, policy, credential: credentialOf(parts) }
}

/** The text of a connection string. Holds the secret: keep it out of logs. */
export function formatConnectionString(value: ConnectionString): string {
  const { hostName, credential } = value
  const parts: [string, string | undefined][] = [['HostName', hostName]]
  if (value.kind === 'service') parts.push(['SharedAccessKeyName', value.policy])
  else parts.push(['DeviceId', value.identity.deviceId], ['ModuleId', value.identity.moduleId])
  if (credential.kind === 'key') parts.push(['SharedAccessKey', credential.key])
  else if (credential.kind === 'token') parts.push(['SharedAccessSignature', credential.token])
  else parts.push(['x509', 'true'])
  if (value.kind === 'identity') parts.push(['GatewayHostName', value.gatewayHostName])
  return parts
    .filter(([, part]) => part !== undefined)
    .map(([name, part]) => `${name}=${part}`)
    .join(';')
}

function credentialOf(parts: ReadonlyMap<string, string>): ConnectionCredential {
  const key = parts.get('sharedaccesskey')
  const token = parts.get('sharedaccesssignature')
  const certificate = parts.get('x509')?.toLowerCase() === 'true'
  if (Number(!!key) + Number(!!token) + Number(certificate) !== 1) {
    throw invalid('exactly one of SharedAccessKey, SharedAccessSignature and x509=true is wanted')
  }
  if (key) {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) throw invalid('SharedAccessKey is not base64')
    return { kind: 'key', key }
  }
  return token ? { kind: 'token', token } : { kind: 'certificate' }
}

function parseParts(text: string): ReadonlyMap<string, string> {
  if (text.length > MAX_CONNECTION_STRING_LENGTH) throw invalid('it is too long', MAX_CONNECTION_STRING_LENGTH)
  const parts = new Map<string, string>()
  let offset = 0
  for (const part of text.split(';')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(0, equals)).trim().toLowerCase()
    if (part.trim() !== '') {
      if (name === '') throw invalid('a part is not of the form name=value', offset)
      if (parts.has(name)) throw invalid('a name stands twice', offset)
      parts.set(name, part.slice(equals + 1).trim())
    }
    offset += part.length + 1
  }
  return parts
}

function invalid(reason: string, offset?: number): EdgewrightError {
  return new EdgewrightError('CONNECTION_STRING_INVALID', `The connection string cannot be used: ${reason}.`, {
    ...(offset === undefined ? {} : { place: `character ${offset}` }),
    remedy: 'Copy it again from the registry; it looks like HostName=…;DeviceId=…;SharedAccessKey=….',
  })
}
