import type { ModuleSpecification } from '@edgewright/core'
import { InProcessRuntime, type ModuleFunction, type ProcessOptions, ProcessRuntime } from '@edgewright/supervisor'
import type { RuntimePart } from '../context.js'
import { moduleHost } from './module-host.js'

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

/**
 * Modules that are programs of this machine: those of type `process` in a deployment. They get the variables that IoT
 * Edge gives, and a socket of the workload API each. All run as this program's user, so they are not safe from one another.
 *
 * @param options - `allowed` says which programs a deployment may run
 */
export function processes(options: ProcessOptions = {}): RuntimePart {
  return ({ clock, hostname, admit }) => {
    const prepare = async (specification: ModuleSpecification) =>
      (await admit(specification, { gatewayHostName: hostname })).environment
    return { runtime: new ProcessRuntime({ clock, prepare }, options), modules: [] }
  }
}
