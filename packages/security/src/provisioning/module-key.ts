import { EdgewrightError, type Identity } from '@edgewright/core'
import type { CloudService } from './https-json.js'
import { ModuleRegistry } from './module-registry.js'

/** Which module's key to fetch, and how the device proves that it may. */
export interface ModuleKeyRequest extends CloudService {
  /** The module of the device. */
  readonly identity: Required<Identity>
  /** A token of the device. */
  readonly token: string
}

/**
 * The primary key of one of the device's own modules, Base64, from the cloud's registry; the module is made when it
 * does not exist.
 *
 * @throws `REGISTRY_UNAVAILABLE` when there is no usable answer, `REGISTRY_REFUSED` when the cloud says no
 */
export async function fetchModuleKey(
  { identity, token, ...service }: ModuleKeyRequest,
  signal?: AbortSignal,
): Promise<string> {
  const { deviceId, moduleId = '' } = identity
  const registry = new ModuleRegistry({ ...service, deviceId, credential: { kind: 'token', token: () => token } })
  const { authentication } = (await registry.get(moduleId, signal)) ?? (await registry.create(moduleId, signal))
  if (authentication.type === 'symmetricKey' && authentication.primaryKey !== '') return authentication.primaryKey
  throw new EdgewrightError('REGISTRY_REFUSED', `The module is registered for ${authentication.type}, not for keys`, {
    place: `${service.host}: ${deviceId}/${moduleId}`,
    remedy: 'Register it with symmetric keys, or remove it so that it is made again.',
  })
}
