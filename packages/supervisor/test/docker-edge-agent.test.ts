import { once } from 'node:events'
import type { JsonObject } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { EdgeAgent, Supervisor } from '../src/index.js'
import { Cloud, sealer } from './support/cloud.js'
import { engineMissing, NOWHERE, TEST_IMAGE } from './support/engine.js'
import { idOf, OwnContainers, removeContainers } from './support/own-containers.js'

const missing = await engineMissing()
const prefix = `agent-${process.pid}-`

const STAYS = 'trap "exit 0" TERM; while :; do sleep 0.2; done'

function module(script = STAYS, options: object = {}, image = TEST_IMAGE, imagePullPolicy = 'never'): JsonObject {
  const createOptions = { Cmd: ['/bin/sh', '-c', script], HostConfig: { NetworkMode: 'none' }, ...options }
  const settings = { image, createOptions: JSON.stringify(createOptions) }
  return { type: 'docker', status: 'running', restartPolicy: 'always', imagePullPolicy, settings }
}

function deployment(modules: Record<string, JsonObject>): JsonObject {
  const named = Object.entries(modules).map(([name, module]) => [prefix + name, module])
  const runtime = { type: 'docker', settings: {} }
  return { schemaVersion: '1.1', runtime, systemModules: {}, modules: Object.fromEntries(named) }
}

describe('an edge agent on a real engine', () => {
  let agent: EdgeAgent | undefined

  beforeEach((context: TestContext) => {
    if (missing !== undefined) context.skip(missing)
  })

  afterEach(async () => {
    await agent?.stop()
    if (missing === undefined) await removeContainers(prefix)
  })

  it('carries out a deployment of ten, mends what it can, tells of the rest, and leaves the others alone', async () => {
    const cloud = new Cloud()
    const store = new MemoryStore()
    await store.start()
    const quick = { firstDelay: 100, settleAfter: 100, grace: 5_000 }
    const supervisor = new Supervisor({ runtimes: [new OwnContainers(prefix)] }, quick)
    agent = new EdgeAgent({ supervisor, upstream: cloud, deviceId: 'press-7', store, sealer }, { gather: 100 })
    const names = Array.from({ length: 10 }, (_, index) => `m${index}`)
    const untilReported = async (holds: (modules: Record<string, JsonObject>) => boolean) => {
      const modules = () =>
        Object.fromEntries(
          Object.entries((cloud.reported.modules ?? {}) as Record<string, JsonObject>).map(([name, module]) => [
            name.slice(prefix.length),
            module,
          ]),
        )
      while (!holds(modules())) await once(cloud, 'reported')
    }
    const code = () => (cloud.reported.lastDesiredStatus as JsonObject | undefined)?.code

    cloud.deploy(deployment(Object.fromEntries(names.map(name => [name, module()]))))
    await agent.start()
    await untilReported(modules => code() === 200 && names.every(name => modules[name]?.runtimeStatus === 'running'))
    const before = await Promise.all(names.map(name => idOf(prefix + name)))

    const Healthcheck = { Test: ['CMD', '/bin/sh', '-c', 'exit 1'], Interval: 1e8, Timeout: 1e9, Retries: 1 }
    cloud.deploy(
      deployment({
        m0: module(STAYS, { Hostname: 'changed' }),
        m1: module('exit 3'),
        m2: module(STAYS, { Healthcheck }),
        m3: module(STAYS, {}, `${NOWHERE}/missing:1`, 'on-create'),
        ...Object.fromEntries(['m4', 'm5', 'm6', 'm7'].map(name => [name, module()])),
      }),
    )
    cloud.handlers.desired!({ patch: {} })
    await untilReported(
      ({ m0, m1, m2, m3, m8, m9 }) =>
        m0?.runtimeStatus === 'running' &&
        m1?.runtimeStatus === 'backoff' &&
        Number(m2?.restartCount) > 0 &&
        m3?.statusDescription !== undefined &&
        m8 === undefined &&
        m9 === undefined,
    )
    expect(cloud.reported).toMatchObject({
      lastDesiredVersion: 3,
      lastDesiredStatus: { code: 500, description: expect.stringMatching(/m3: The image cannot be had/) },
      modules: {
        [`${prefix}m1`]: { exitCode: 3, restartCount: expect.any(Number) },
        [`${prefix}m3`]: { runtimeStatus: 'running', settings: { image: `${NOWHERE}/missing:1` } },
      },
    })
    const after = await Promise.all(names.slice(0, 8).map(name => idOf(prefix + name)))
    expect(after[0]).not.toBe(before[0])
    expect(after.slice(3)).toEqual(before.slice(3, 8))
    await expect(idOf(`${prefix}m9`)).rejects.toMatchObject({ statusCode: 404 })
  }, 60_000)
})
