import type { RouteGuard } from '../../http/router.js'
import type { Permission } from '../../state/policies.js'

/** Lets holders of a policy with a permission over the whole hub pass. */
export function permitted(permission: Permission): RouteGuard {
  return principal =>
    principal.kind === 'policy' && principal.path.length === 0 && principal.permissions.includes(permission)
}
