import type { ModuleHost, SessionHost } from '@edgewright/core'

/** Opens sessions of this device's modules, as a front-end would for a client that proved itself. */
export function moduleHost({ hub, deviceId }: { readonly hub: SessionHost; readonly deviceId: string }): ModuleHost {
  return {
    async connect(moduleId, peer) {
      const { session } = await hub.openSession({ identity: { deviceId, moduleId }, peer, persistent: false })
      return session
    },
  }
}
