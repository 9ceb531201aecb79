import { type ModuleBehaviour, runtimeConformance } from '@edgewright/testkit/runtime'
import { describe, it } from 'vitest'
import { DockerRuntime } from '../src/index.js'
import { engineMissing, NOWHERE, TEST_IMAGE } from './support/engine.js'

const missing = await engineMissing()

const scripts: Record<ModuleBehaviour, string> = {
  stays: 'echo ready; echo trouble >&2; trap "exit 0" TERM; while :; do sleep 0.05; done',
  ends: 'exit 0',
  fails: 'exit 3',
  stubborn: 'trap "" TERM; echo ready; while :; do sleep 1; done',
  unavailable: '',
}

runtimeConformance(
  {
    describe,
    it: (name, body) =>
      it(name, async context => {
        if (missing !== undefined) context.skip(missing)
        await body()
      }),
  },
  {
    create: () => new DockerRuntime(),
    specification: (name, behaviour) => ({
      name,
      type: 'docker',
      settings: {
        image: behaviour === 'unavailable' ? `${NOWHERE}/missing:1` : TEST_IMAGE,
        createOptions: { Cmd: ['/bin/sh', '-c', scripts[behaviour]], HostConfig: { NetworkMode: 'none' } },
      },
      environment: {},
    }),
  },
)
