import { type ModuleBehaviour, runtimeConformance } from '@edgewright/testkit/runtime'
import { describe, it } from 'vitest'
import { ProcessRuntime } from '../src/index.js'

const scripts: Record<ModuleBehaviour, string> = {
  stays: 'echo ready; echo trouble >&2; trap "exit 0" TERM; while :; do sleep 0.05; done',
  ends: 'exit 0',
  fails: 'exit 3',
  stubborn: 'trap "" TERM; echo ready; while :; do sleep 1; done',
  unavailable: '',
}

runtimeConformance(
  { describe, it },
  {
    create: () => new ProcessRuntime(),
    specification: (name, behaviour) => ({
      name,
      type: 'process',
      settings:
        behaviour === 'unavailable'
          ? { command: '/nowhere/at-all' }
          : { command: 'sh', args: ['-c', scripts[behaviour]] },
      environment: {},
    }),
  },
)
