import type { Route } from '../../http/router.js'
import type { HubState } from '../../state/hub-state.js'
import { permitted } from './guards.js'
import { identityOf } from './identity-path.js'

/** Throwing away the cloud-to-device messages that wait for a device or module. */
export function commandRoutes(state: HubState): readonly Route[] {
  return ['/devices/{d}/commands', '/devices/{d}/modules/{m}/commands'].map(path => ({
    method: 'DELETE',
    path,
    guard: permitted('ServiceConnect'),
    handle({ params }) {
      const identity = identityOf(params)
      const { deviceId, moduleId = null } = identity
      return { status: 200, json: { totalMessagesPurged: state.commands.purge(identity), deviceId, moduleId } }
    },
  }))
}
