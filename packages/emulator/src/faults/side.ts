import type { Principal } from '../state/authority.js'

/** Who a connection serves: devices and gateways, or back-ends. */
export type Side = 'device' | 'service'

/** The side of somebody who has proven who they are; a policy for one device's part of the hub acts for that device. */
export function sideOf(principal: Principal): Side {
  return principal.kind === 'identity' || principal.path[0] === 'devices' ? 'device' : 'service'
}
