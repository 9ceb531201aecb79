/** Who a client is: a device, or a module of a device. Ids are case-sensitive, at most 128 characters. */
export interface Identity {
  readonly deviceId: string
  /** Absent for a device. */
  readonly moduleId?: string | undefined
}

/** One string per identity: `device` or `device/module`; the key of sessions, queues, twins and metrics. */
export type IdentityKey = string

/** The key of an identity. Ids never contain `/`, so keys never collide. */
export function identityKey(identity: Identity): IdentityKey {
  return identity.moduleId === undefined ? identity.deviceId : `${identity.deviceId}/${identity.moduleId}`
}

/** The identity of a key made by {@link identityKey}. */
export function identityFromKey(key: IdentityKey): Identity {
  const slash = key.indexOf('/')
  return slash < 0 ? { deviceId: key } : { deviceId: key.slice(0, slash), moduleId: key.slice(slash + 1) }
}

/** Whether two identities are the same. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.deviceId === b.deviceId && a.moduleId === b.moduleId
}

/** How an identity proves who it is, as the cloud's registry holds it. */
export type IdentityAuthentication =
  /** Base64 keys of a shared access signature. */
  | { readonly type: 'symmetricKey'; readonly primaryKey: string; readonly secondaryKey: string }
  /** SHA-1 or SHA-256 thumbprints of the certificates, hexadecimal. */
  | { readonly type: 'thumbprint'; readonly primary: string; readonly secondary: string }
  /** A certificate signed by a trusted authority whose common name is the device id. */
  | { readonly type: 'certificateAuthority' }
  | { readonly type: 'none' }

/** What the cloud's registry knows about one identity. */
export interface IdentityRecord {
  readonly identity: Identity
  /** Changes when an identity is removed and made again under the same name. */
  readonly generationId: string
  readonly status: 'enabled' | 'disabled'
  readonly authentication: IdentityAuthentication
  /** Whether this device is itself an edge gateway. */
  readonly isEdgeDevice: boolean
  /** The scope that a device belongs to, `ms-azure-iot-edge://…`; absent for modules. */
  readonly deviceScope?: string | undefined
  readonly parentScopes?: readonly string[] | undefined
}
