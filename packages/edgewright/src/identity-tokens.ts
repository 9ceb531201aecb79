import { EdgewrightError, type Identity, identityKey, sameIdentity } from '@edgewright/core'
import { createSasToken, formatSasAudience, formatSasToken, sasSignText } from '@edgewright/protocol'
import { fetchModuleKey } from '@edgewright/security'
import type { GatewayContext } from './context.js'

/** Names of keys in the gateway's key ring. */
const DEVICE_KEY = 'device'
const HUB_KEY = 'hub'

/** Milliseconds that the token for fetching the hub's own key lasts. */
const FETCH_LIFETIME = 600_000

/** Where the cloud is, and who this gateway is in it. */
export interface TokenOptions {
  /** The hub's name, as tokens name it. */
  readonly host: string
  /** Whom to dial instead, a parent gateway. */
  readonly dial?: string | undefined
  readonly httpsPort?: number | undefined
  readonly ca?: string | undefined
  readonly deviceId: string
}

/**
 * Signs tokens for the cloud on behalf of identities: with the device's own key, with the hub's own (fetched on first
 * use, then kept), and with the keys that the directory holds for everybody else.
 */
export class IdentityTokens {
  readonly #context: GatewayContext
  readonly #options: TokenOptions
  readonly #hub: Identity
  #fetching: Promise<void> | undefined

  constructor(context: GatewayContext, options: TokenOptions) {
    this.#context = context
    this.#options = options
    this.#hub = { deviceId: options.deviceId, moduleId: '$edgeHub' }
  }

  /** @param key - Base64, of the device itself; kept sealed */
  async takeDeviceKey(key: string): Promise<void> {
    await this.#context.keys.put(DEVICE_KEY, Buffer.from(key, 'base64'))
  }

  /**
   * A token of an identity.
   *
   * @param resource - the audience, encoded as it is to stand in the token
   * @param expiresAt - milliseconds since 1970
   * @throws `KEY_NOT_FOUND`, and what fetching the hub's key throws
   */
  async token(identity: Identity, resource: string, expiresAt: number): Promise<string> {
    if (sameIdentity(identity, { deviceId: this.#options.deviceId })) return this.#sign(DEVICE_KEY, resource, expiresAt)
    if (sameIdentity(identity, this.#hub)) {
      if (!this.#context.keys.has(HUB_KEY)) await this.#fetchHubKey()
      return this.#sign(HUB_KEY, resource, expiresAt)
    }
    const authentication = this.#context.findIdentity(identity)?.authentication
    if (authentication?.type === 'symmetricKey') {
      return createSasToken({ resource, expiresAt, key: authentication.primaryKey })
    }
    throw new EdgewrightError('KEY_NOT_FOUND', 'This gateway has no key to sign with for this identity', {
      place: identityKey(identity),
      remedy: 'Register it in the cloud with a symmetric key, as a child of this gateway.',
    })
  }

  async #sign(keyId: string, resource: string, expiresAt: number): Promise<string> {
    const expiry = String(Math.ceil(expiresAt / 1000))
    const signature = await this.#context.keys.sign(keyId, Buffer.from(sasSignText(resource, expiry)))
    return formatSasToken({ resource, expiry, signature })
  }

  #fetchHubKey(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    const { host, dial = host, httpsPort: port, ca, deviceId } = this.#options
    const identity = { deviceId, moduleId: '$edgeHub' }
    const resource = formatSasAudience(host, { deviceId })
    const token = await this.token({ deviceId }, resource, this.#context.clock.now() + FETCH_LIFETIME)
    const key = await fetchModuleKey({ host: dial, port, ca, identity, token })
    await this.#context.keys.put(HUB_KEY, Buffer.from(key, 'base64'))
  }
}
