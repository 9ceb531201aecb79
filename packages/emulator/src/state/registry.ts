import { type Identity, type IdentityAuthentication, type IdentityRecord, identityKey } from '@edgewright/core'
import { HubError } from './hub-error.js'
import { assertId, generateEtag, generateGenerationId, generateKey } from './identifiers.js'
import type { Table } from './table.js'

/** What the registry keeps about a device or a module. */
export interface RegistryEntry extends IdentityRecord {
  readonly etag: string
  readonly statusReason?: string | undefined
  /** Milliseconds since 1970. */
  readonly statusUpdated?: number | undefined
  /** Who deploys a module; empty when nobody said. */
  readonly managedBy?: string | undefined
}

/** A device to be made; all but its id has a default. */
export interface NewDevice {
  readonly deviceId: string
  /** Keys are generated where they are left out. */
  readonly authentication?: IdentityAuthentication | undefined
  readonly status?: 'enabled' | 'disabled' | undefined
  readonly statusReason?: string | undefined
  /** An edge device gets a scope of its own and the modules `$edgeAgent` and `$edgeHub`. */
  readonly capabilities?: { readonly iotEdge?: boolean | undefined } | undefined
  /** The edge device this one stands behind; its scope becomes this device's. */
  readonly parentId?: string | undefined
  /** The same by scope: for a leaf device its parent's, for an edge device its own and therefore ignored. */
  readonly deviceScope?: string | undefined
  /** Scopes of the parents of an edge device. */
  readonly parentScopes?: readonly string[] | undefined
}

/** A module to be made. */
export interface NewModule {
  readonly deviceId: string
  readonly moduleId: string
  readonly authentication?: IdentityAuthentication | undefined
  readonly managedBy?: string | undefined
}

/** What happened to an entry. */
export interface RegistryChange {
  readonly kind: 'created' | 'updated' | 'removed'
  readonly entry: RegistryEntry
}

/** The most modules a device may have besides the system modules. Source: IoT Hub quotas. */
export const MAX_MODULES = 50

const SYSTEM_MODULES = ['$edgeAgent', '$edgeHub'] as const

/** The identity registry: who exists, with which keys, in whose scope. Synchronous and without I/O. */
export class Registry {
  readonly #entries: Table<RegistryEntry>
  readonly #now: () => number
  readonly #listeners = new Set<(change: RegistryChange) => void>()
  /** Module ids per device, so that a device's modules are found without a scan. */
  readonly #modules = new Map<string, Set<string>>()

  constructor(entries: Table<RegistryEntry>, now: () => number) {
    this.#entries = entries
    this.#now = now
    for (const { identity } of entries.values()) this.#index(identity)
  }

  /** Tells of every change, after it happened. @returns stops it */
  watch(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  find(identity: Identity): RegistryEntry | undefined {
    return this.#entries.get(identityKey(identity))
  }

  /** @throws `HUB_DEVICE_NOT_FOUND`, `HUB_MODULE_NOT_FOUND` */
  get(identity: Identity): RegistryEntry {
    const entry = this.find(identity)
    if (entry !== undefined) return entry
    throw identity.moduleId === undefined || this.find({ deviceId: identity.deviceId }) === undefined
      ? new HubError('DeviceNotFound', `Device ${identity.deviceId} not registered`)
      : new HubError('ModuleNotFound', `Module ${identity.moduleId} not found on device ${identity.deviceId}`)
  }

  /** Whether an identity may connect now: it exists, and its device is enabled. */
  isEnabled(identity: Identity): boolean {
    return this.find(identity) !== undefined && this.find({ deviceId: identity.deviceId })?.status === 'enabled'
  }

  /** All devices, in the order in which they were made. */
  *devices(): IterableIterator<RegistryEntry> {
    for (const entry of this.#entries.values()) if (entry.identity.moduleId === undefined) yield entry
  }

  /** The modules of one device. */
  *modules(deviceId: string): IterableIterator<RegistryEntry> {
    for (const moduleId of this.#modules.get(deviceId) ?? []) yield this.get({ deviceId, moduleId })
  }

  /** Every entry. */
  entries(): IterableIterator<RegistryEntry> {
    return this.#entries.values()
  }

  /** @throws `HUB_DEVICE_EXISTS`, `HUB_ARGUMENT_INVALID` (id, unknown parent) */
  createDevice(device: NewDevice): RegistryEntry {
    const { deviceId, status = 'enabled', statusReason, parentScopes } = device
    assertId(deviceId, 'deviceId')
    if (this.find({ deviceId }) !== undefined) {
      throw new HubError('DeviceAlreadyExists', `Device ${deviceId} already registered`)
    }
    const isEdgeDevice = device.capabilities?.iotEdge === true
    const generationId = generateGenerationId()
    const parentScope = this.#parentScope(device)
    const entry = this.#put('created', {
      identity: { deviceId },
      generationId,
      status,
      statusReason,
      authentication: device.authentication ?? generatedKeys(),
      isEdgeDevice,
      deviceScope: isEdgeDevice ? edgeScope(deviceId, generationId) : parentScope,
      parentScopes: parentScopes ?? (parentScope === undefined ? [] : [parentScope]),
    })
    if (isEdgeDevice)
      for (const moduleId of SYSTEM_MODULES) this.createModule({ deviceId, moduleId, managedBy: 'iotEdge' })
    return entry
  }

  /** @throws `HUB_DEVICE_NOT_FOUND`, `HUB_MODULE_EXISTS`, `HUB_QUOTA_EXCEEDED`, `HUB_ARGUMENT_INVALID` */
  createModule(module: NewModule): RegistryEntry {
    const { deviceId, moduleId, managedBy } = module
    assertId(moduleId, 'moduleId')
    this.get({ deviceId })
    if (this.find({ deviceId, moduleId }) !== undefined) {
      throw new HubError('ModuleAlreadyExistsOnDevice', `Module ${moduleId} already exists on device ${deviceId}`)
    }
    if ((this.#modules.get(deviceId)?.size ?? 0) >= MAX_MODULES + SYSTEM_MODULES.length) {
      throw new HubError('QuotaExceeded', `Device ${deviceId} has ${MAX_MODULES} modules already`)
    }
    return this.#put('created', {
      identity: { deviceId, moduleId },
      generationId: generateGenerationId(),
      status: 'enabled',
      authentication: module.authentication ?? generatedKeys(),
      isEdgeDevice: false,
      managedBy,
    })
  }

  /**
   * Changes an entry; what the changes leave out stays.
   *
   * @param etag - changes only an entry that still has it
   * @throws `HUB_DEVICE_NOT_FOUND`, `HUB_MODULE_NOT_FOUND`, `HUB_PRECONDITION_FAILED`, `HUB_ARGUMENT_INVALID`
   */
  update(
    identity: Identity,
    changes: Partial<Omit<NewDevice & NewModule, 'deviceId' | 'moduleId'>>,
    etag?: string,
  ): RegistryEntry {
    const before = this.get(identity)
    assertEtag(before, etag)
    const { authentication, capabilities, managedBy, parentScopes, status, statusReason } = changes
    const isEdgeDevice = capabilities?.iotEdge ?? before.isEdgeDevice
    const parentScope = this.#parentScope({ ...changes, deviceId: identity.deviceId })
    const ownScope = edgeScope(identity.deviceId, before.generationId)
    const deviceScope = isEdgeDevice
      ? ownScope
      : (parentScope ?? (before.isEdgeDevice ? undefined : before.deviceScope))
    const entry = this.#put('updated', {
      ...before,
      authentication: authentication ?? before.authentication,
      status: status ?? before.status,
      statusReason: statusReason ?? before.statusReason,
      managedBy: managedBy ?? before.managedBy,
      isEdgeDevice,
      deviceScope,
      parentScopes: parentScopes ?? (parentScope === undefined ? before.parentScopes : [parentScope]),
    })
    if (isEdgeDevice && !before.isEdgeDevice) {
      for (const moduleId of SYSTEM_MODULES) {
        if (this.find({ deviceId: identity.deviceId, moduleId }) === undefined)
          this.createModule({ deviceId: identity.deviceId, moduleId })
      }
    }
    return entry
  }

  /** Enables or disables a device; a disabled one is disconnected, with its modules. */
  setStatus(deviceId: string, status: 'enabled' | 'disabled', statusReason?: string): RegistryEntry {
    return this.update({ deviceId }, { status, statusReason })
  }

  /** Removes an entry; a device's modules go before it. @throws as {@link update} */
  remove(identity: Identity, etag?: string): void {
    const entry = this.get(identity)
    assertEtag(entry, etag)
    if (identity.moduleId === undefined) {
      for (const module of [...this.modules(identity.deviceId)]) this.#delete(module)
    }
    this.#delete(entry)
  }

  /** The devices that stand directly or further behind an edge device; itself not among them. */
  *childrenOf(edgeDeviceId: string): IterableIterator<RegistryEntry> {
    const edge = this.get({ deviceId: edgeDeviceId })
    const scopes = new Set([edge.deviceScope])
    const found = new Set([edgeDeviceId])
    for (let grown = true; grown; ) {
      grown = false
      for (const device of this.devices()) {
        if (found.has(device.identity.deviceId) || !isIn(device, scopes)) continue
        found.add(device.identity.deviceId)
        if (device.isEdgeDevice) scopes.add(device.deviceScope)
        grown = true
        yield device
      }
    }
  }

  #parentScope(device: Partial<NewDevice>): string | undefined {
    const { parentId, deviceScope } = device
    if (parentId === undefined) {
      return device.capabilities?.iotEdge === true || deviceScope === '' ? undefined : deviceScope
    }
    const parent = this.find({ deviceId: parentId })
    if (parent?.isEdgeDevice !== true) throw new HubError('ArgumentInvalid', `Parent ${parentId} is not an edge device`)
    return parent.deviceScope
  }

  #put(kind: 'created' | 'updated', entry: Omit<RegistryEntry, 'etag'>): RegistryEntry {
    const key = identityKey(entry.identity)
    const before = this.#entries.get(key)
    const statusUpdated = before !== undefined && before.status !== entry.status ? this.#now() : before?.statusUpdated
    const stored: RegistryEntry = Object.freeze({ ...entry, statusUpdated, etag: generateEtag() })
    this.#entries.set(key, stored)
    this.#index(entry.identity)
    this.#tell({ kind, entry: stored })
    return stored
  }

  #delete(entry: RegistryEntry): void {
    const { deviceId, moduleId } = entry.identity
    this.#entries.delete(identityKey(entry.identity))
    if (moduleId === undefined) this.#modules.delete(deviceId)
    else this.#modules.get(deviceId)?.delete(moduleId)
    this.#tell({ kind: 'removed', entry })
  }

  #index({ deviceId, moduleId }: Identity): void {
    if (moduleId === undefined) return
    const modules = this.#modules.get(deviceId)
    if (modules === undefined) this.#modules.set(deviceId, new Set([moduleId]))
    else modules.add(moduleId)
  }

  #tell(change: RegistryChange): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}

function generatedKeys(): IdentityAuthentication {
  return { type: 'symmetricKey', primaryKey: generateKey(), secondaryKey: generateKey() }
}

function edgeScope(deviceId: string, generationId: string): string {
  return `ms-azure-iot-edge://${deviceId}-${generationId}`
}

function isIn(device: RegistryEntry, scopes: ReadonlySet<string | undefined>): boolean {
  if (!device.isEdgeDevice && device.deviceScope !== undefined) return scopes.has(device.deviceScope)
  return device.parentScopes?.some(scope => scopes.has(scope)) === true
}

function assertEtag(entry: RegistryEntry, etag: string | undefined): void {
  if (etag !== undefined && etag !== entry.etag) {
    throw new HubError('PreconditionFailed', `Precondition failed: the entity tag is ${entry.etag}`)
  }
}
