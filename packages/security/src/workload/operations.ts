import { identityCertificate, serverCertificate } from './certificates.js'
import { decrypt, encrypt } from './encryption.js'
import { modules } from './module-details.js'
import type { IdentityOperation, SharedOperation } from './operation.js'
import type { IdentityOperationName, SharedOperationName } from './route.js'
import { sign } from './sign.js'
import { manifestTrustBundle, trustBundle } from './trust-bundle.js'

/** What serves what any module may ask for: all of it is read with GET. */
export const SHARED_OPERATIONS: Readonly<Record<SharedOperationName, SharedOperation>> = {
  trustBundle,
  manifestTrustBundle,
  modules,
}

/** What serves what a module may ask for itself: all of it is asked with POST. */
export const IDENTITY_OPERATIONS: Readonly<Record<IdentityOperationName, IdentityOperation>> = {
  sign,
  encrypt,
  decrypt,
  serverCertificate,
  identityCertificate,
}

/** How many further requests one is worth: making a certificate takes about as long. */
export const EXTRA_COST: Readonly<Partial<Record<SharedOperationName | IdentityOperationName, number>>> = {
  serverCertificate: 9,
  identityCertificate: 9,
}
