import type { ModuleHost } from '@edgewright/core'
import { InProcessRuntime, type ModuleFunction } from '@edgewright/supervisor'
import type { RuntimeContext, RuntimePart } from '../context.js'

/**
 * Modules that are functions inside this program.
 *
 * @param functions - each under the name that routes use for it
 */
export function inProcess(functions: Readonly<Record<string, ModuleFunction>>): RuntimePart {
  return context => {
    const { clock, logger } = context
    const runtime = new InProcessRuntime({ host: moduleHost(context), clock, logger }, { functions })
    return { runtime, modules: runtime.specifications }
  }
}

/** Lets a runtime open sessions of this device's modules, as a front-end would for a client that proved itself. */
function moduleHost({ hub, deviceId }: RuntimeContext): ModuleHost {
  return {
    async connect(moduleId, peer) {
      const { session } = await hub.openSession({ identity: { deviceId, moduleId }, peer, persistent: false })
      return session
    },
  }
}
