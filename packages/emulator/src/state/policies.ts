import { generateKey } from './identifiers.js'
import type { Table } from './table.js'

/** What a shared access policy may grant. */
export type Permission = 'RegistryRead' | 'RegistryWrite' | 'ServiceConnect' | 'DeviceConnect'

/** A shared access policy of the hub. */
export interface Policy {
  readonly name: string
  readonly primaryKey: string
  readonly secondaryKey: string
  readonly permissions: readonly Permission[]
}

/** The policies every hub begins with. Source: IoT Hub, control access with shared access signatures. */
const BUILT_IN: Readonly<Record<string, readonly Permission[]>> = Object.freeze({
  iothubowner: ['RegistryRead', 'RegistryWrite', 'ServiceConnect', 'DeviceConnect'],
  service: ['ServiceConnect'],
  device: ['DeviceConnect'],
  registryRead: ['RegistryRead'],
  registryReadWrite: ['RegistryRead', 'RegistryWrite'],
})

/** Makes the built-in policies that the table does not hold yet, with keys of their own. */
export function ensurePolicies(policies: Table<Policy>): void {
  for (const [name, permissions] of Object.entries(BUILT_IN)) {
    if (policies.get(name) !== undefined) continue
    policies.set(name, { name, permissions, primaryKey: generateKey(), secondaryKey: generateKey() })
  }
}
