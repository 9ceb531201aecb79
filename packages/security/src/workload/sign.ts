import { base64Field } from './fields.js'
import type { IdentityOperation } from './operation.js'

/**
 * HMAC-SHA256 of `data` with the module's primary key. `keyId` and `algo` are not read: clients put anything there.
 * Source: agent reference, section 7.3.
 */
export const sign: IdentityOperation = async ({ body, identity, signal }, { signer }) => {
  const digest = await signer.sign(identity.keyId, base64Field(body, 'data'), signal)
  return { status: 200, json: { digest: Buffer.from(digest).toString('base64') } }
}
