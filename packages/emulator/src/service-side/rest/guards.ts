import { sameIdentity } from '@edgewright/core'
import type { RouteGuard } from '../../http/router.js'
import type { Permission } from '../../state/policies.js'

/** Lets holders of a policy with a permission over the whole hub pass. */
export function permitted(permission: Permission): RouteGuard {
  return principal =>
    principal.kind === 'policy' && principal.path.length === 0 && principal.permissions.includes(permission)
}

/**
 * Whoever holds a policy with a right, and the device itself where the path names it: an edge device manages the
 * identities of its own modules. Source: IoT Identity Service, which calls these with the device's token.
 */
export function permittedOrOwner(permission: Permission): RouteGuard {
  const byPolicy = permitted(permission)
  return (principal, params) =>
    byPolicy(principal, params) ||
    (principal.kind === 'identity' && sameIdentity(principal.identity, { deviceId: params.d ?? '' }))
}
