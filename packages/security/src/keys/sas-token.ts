import type { Identity, Signer } from '@edgewright/core'
import { formatSasAudience, formatSasToken, sasSignText } from '@edgewright/protocol'

/** Which token to sign. */
export interface SasTokenRequest {
  /** The host that the token is for: the hub's name, also when a gateway stands between. */
  readonly host: string
  readonly identity: Identity
  /** Name of the identity's key at the signer. */
  readonly keyId: string
  /** Milliseconds since 1970; rounded up to a second. */
  readonly expiresAt: number
}

/**
 * A shared access signature of an identity whose key stays with its signer.
 *
 * @throws `KEY_NOT_FOUND`
 */
export async function signSasToken(signer: Signer, request: SasTokenRequest, signal?: AbortSignal): Promise<string> {
  const resource = formatSasAudience(request.host, request.identity)
  const expiry = String(Math.ceil(request.expiresAt / 1000))
  const signature = await signer.sign(request.keyId, Buffer.from(sasSignText(resource, expiry)), signal)
  return formatSasToken({ resource, expiry, signature })
}
