import { memoryModuleHost } from '@edgewright/testkit'
import { type ModuleBehaviour, runtimeConformance } from '@edgewright/testkit/runtime'
import { describe, it } from 'vitest'
import { InProcessRuntime, type ModuleContext, type ModuleFunction } from '../src/index.js'

const behaviours: Record<Exclude<ModuleBehaviour, 'unavailable'>, ModuleFunction> = {
  async stays({ logger, signal }) {
    logger.log('info', 'ready')
    logger.log('warn', 'trouble')
    await untilAborted(signal)
  },
  async ends() {},
  async fails() {
    throw new Error('crashed on purpose')
  },
  stubborn({ logger }) {
    logger.log('info', 'ready')
    return new Promise(() => undefined)
  },
}

runtimeConformance(
  { describe, it },
  {
    create: () => new InProcessRuntime({ host: memoryModuleHost() }, { functions: behaviours }),
    specification: (name, behaviour) => ({
      name,
      type: 'in-process',
      settings: { function: behaviour },
      environment: {},
    }),
  },
)

function untilAborted(signal: ModuleContext['signal']): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
