import { createHmac } from 'node:crypto'
import type { Signer } from '@edgewright/core'
import type { ModuleKeys } from './module-registry.js'

/** Which key of this device the keys of its modules come from. */
export interface DerivationKey {
  readonly signer: Signer
  readonly keyId: string
}

/**
 * The keys of a module, derived from one of its device: nothing has to be fetched, and a new generation has new keys.
 * Source: agent reference, section 9.3.
 *
 * @throws `KEY_NOT_FOUND`
 */
export async function deriveModuleKeys(
  { signer, keyId }: DerivationKey,
  { moduleId, generationId }: { readonly moduleId: string; readonly generationId: string },
  signal?: AbortSignal,
): Promise<ModuleKeys> {
  const derive = async (which: string) => {
    const key = await signer.sign(keyId, Buffer.from(`${moduleId}:${generationId}:${which}`), signal)
    return Buffer.from(key).toString('base64')
  }
  return { primaryKey: await derive('primary'), secondaryKey: await derive('secondary') }
}

/**
 * The key of one device of an enrollment group, Base64. Give devices this and not the group's key, with which any device
 * of the group could be impersonated. Source: Device Provisioning Service, "Symmetric key attestation".
 *
 * @param groupKey - Base64
 */
export function deriveDeviceKey(groupKey: string, registrationId: string): string {
  return createHmac('sha256', Buffer.from(groupKey, 'base64')).update(registrationId, 'utf8').digest('base64')
}
