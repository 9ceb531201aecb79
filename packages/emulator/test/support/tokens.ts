import { type Identity, identityKey } from '@edgewright/core'
import { createSasToken, formatSasAudience, parseConnectionString, percentEncode } from '@edgewright/protocol'
import type { Emulator } from '../../src/index.js'

/** What a token of a test may differ in. */
export interface TokenOptions {
  /** Base64. @default the primary key */
  readonly key?: string
  /** Milliseconds since 1970. @default in an hour */
  readonly expiresAt?: number
}

/** A token of a device or module. */
export function identityToken(emulator: Emulator, identity: Identity, options: TokenOptions = {}): string {
  const { authentication } = emulator.registry.get(identity)
  if (authentication.type !== 'symmetricKey') throw new Error(`${identityKey(identity)} has no key`)
  const { key = authentication.primaryKey, expiresAt = Date.now() + 3_600_000 } = options
  return createSasToken({ resource: formatSasAudience(emulator.hostName, identity), expiresAt, key })
}

/** A token of a shared access policy over the whole hub. */
export function policyToken(emulator: Emulator, policy = 'iothubowner'): string {
  const { credential } = parseConnectionString(emulator.policyConnectionString(policy))
  if (credential.kind !== 'key') throw new Error(`${policy} has no key`)
  const expiresAt = Date.now() + 3_600_000
  return createSasToken({ resource: percentEncode(emulator.hostName), expiresAt, key: credential.key, policy })
}
