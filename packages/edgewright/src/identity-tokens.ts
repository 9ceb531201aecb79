import { EdgewrightError, type Identity, identityKey, type Signer } from '@edgewright/core'
import { createSasToken, formatSasToken, sasSignText } from '@edgewright/protocol'
import type { ModuleIdentities, ProvisionedDevice, WorkloadIdentity } from '@edgewright/security'
import type { GatewayContext } from './context.js'

/** The modules that this gateway is in the cloud. */
export const EDGE_HUB = '$edgeHub'
export const EDGE_AGENT = '$edgeAgent'

/** Whose keys there are to sign with. */
export interface TokenParts extends Pick<GatewayContext, 'keys' | 'findIdentity'> {
  readonly device: Pick<ProvisionedDevice, 'deviceId' | 'credential'>
  readonly modules: ModuleIdentities
}

/**
 * Signs tokens for the cloud on behalf of identities: with the device's own key, with those of its modules, and with
 * the keys that the directory holds for everybody else.
 */
export class IdentityTokens {
  readonly #parts: TokenParts
  readonly #providing = new Map<string, Promise<WorkloadIdentity>>()

  constructor(parts: TokenParts) {
    this.#parts = parts
  }

  /**
   * A token of an identity.
   *
   * @param resource - the audience, encoded as it is to stand in the token
   * @param expiresAt - milliseconds since 1970
   * @throws `KEY_NOT_FOUND`, and what making the gateway's own identities throws
   */
  async token(identity: Identity, resource: string, expiresAt: number): Promise<string> {
    const { keys, device, findIdentity } = this.#parts
    const isOwn = identity.deviceId === device.deviceId
    if (isOwn && identity.moduleId === undefined && device.credential.kind === 'key') {
      return sign(device.credential.signer, device.credential.keyId, resource, expiresAt)
    }
    const module = isOwn && identity.moduleId !== undefined ? await this.#moduleOf(identity.moduleId) : undefined
    if (module !== undefined) return sign(keys, module.keyId, resource, expiresAt)
    const authentication = findIdentity(identity)?.authentication
    if (authentication?.type === 'symmetricKey') {
      return createSasToken({ resource, expiresAt, key: authentication.primaryKey })
    }
    throw new EdgewrightError('KEY_NOT_FOUND', 'This gateway has no key to sign with for this identity', {
      place: identityKey(identity),
      remedy: 'Register it in the cloud with a symmetric key, as a child of this gateway.',
    })
  }

  async #moduleOf(moduleId: string): Promise<WorkloadIdentity | undefined> {
    const known = this.#parts.modules.find(moduleId)
    if (known !== undefined || (moduleId !== EDGE_HUB && moduleId !== EDGE_AGENT)) return known
    const providing = this.#providing.get(moduleId) ?? this.#provide(moduleId)
    this.#providing.set(moduleId, providing)
    return await providing.finally(() => this.#providing.delete(moduleId))
  }

  async #provide(moduleId: string): Promise<WorkloadIdentity> {
    const [outcome] = await this.#parts.modules.provide([moduleId])
    if (outcome?.identity === undefined) throw outcome?.error
    return outcome.identity
  }
}

async function sign(signer: Signer, keyId: string, resource: string, expiresAt: number): Promise<string> {
  const expiry = String(Math.ceil(expiresAt / 1000))
  const signature = await signer.sign(keyId, Buffer.from(sasSignText(resource, expiry)))
  return formatSasToken({ resource, expiry, signature })
}
