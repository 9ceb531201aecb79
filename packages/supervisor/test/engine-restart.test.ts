import { once } from 'node:events'
import type { JsonObject } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DockerRuntime, EdgeAgent, Supervisor } from '../src/index.js'
import { Cloud, sealer } from './support/cloud.js'
import { importImageInto, TEST_IMAGE } from './support/engine.js'
import { OwnEngine, ownEngineMissing } from './support/own-engine.js'

const missing = await ownEngineMissing()

const STAYS = 'trap "exit 0" TERM; while :; do sleep 0.2; done'
const HEALTHY = 'exit 0'

function module(script = STAYS, check?: string): JsonObject {
  const Healthcheck = { Test: ['CMD', '/bin/sh', '-c', check], Interval: 2e8, Timeout: 1e9, Retries: 1 }
  const createOptions = {
    ...{ Cmd: ['/bin/sh', '-c', script], HostConfig: { NetworkMode: 'none' } },
    ...(check === undefined ? {} : { Healthcheck }),
  }
  const settings = { image: TEST_IMAGE, createOptions: JSON.stringify(createOptions) }
  return { type: 'docker', status: 'running', restartPolicy: 'always', imagePullPolicy: 'never', settings }
}

describe.skipIf(missing !== undefined)('when the engine goes and comes back', () => {
  let engine: OwnEngine
  let cloud: Cloud
  let agent: EdgeAgent

  beforeAll(async () => {
    engine = await OwnEngine.make()
    await engine.start()
    await importImageInto(engine.client, TEST_IMAGE.slice(0, -2))
  }, 60_000)

  afterAll(() => engine?.remove(), 60_000)

  beforeEach(async () => {
    cloud = new Cloud()
    const store = new MemoryStore()
    await store.start()
    const runtime = new DockerRuntime({}, { socketPath: engine.socketPath })
    const quick = { firstDelay: 3_000, maxDelay: 5_000, settleAfter: 100, grace: 5_000, maxRestarts: 1_000 }
    const supervisor = new Supervisor({ runtimes: [runtime] }, quick)
    agent = new EdgeAgent({ supervisor, upstream: cloud, deviceId: 'press-7', store, sealer }, { gather: 50 })
  })

  afterEach(() => agent.stop())

  const idOf = async (name: string) => (await engine.client.getContainer(name).inspect()).Id

  function deploy(modules: Record<string, JsonObject>): void {
    const runtime = { type: 'docker', settings: {} }
    cloud.deploy({ schemaVersion: '1.1', runtime, systemModules: {}, modules })
    cloud.handlers.desired?.({ patch: {} })
  }

  async function reported(holds: (modules: Record<string, JsonObject>, code: unknown) => boolean): Promise<void> {
    const code = () => (cloud.reported.lastDesiredStatus as JsonObject | undefined)?.code
    const modules = () => (cloud.reported.modules ?? {}) as Record<string, JsonObject>
    while (!holds(modules(), code())) await once(cloud, 'reported')
  }

  const isUp = (module: JsonObject | undefined) => module?.runtimeStatus === 'running'

  it.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])(
    'all modules are up again in the same containers after %s, and what was ordered meanwhile is done',
    async signal => {
      const names = Array.from({ length: 8 }, (_, index) => `m${index}`)
      const steady: Record<string, JsonObject> = Object.fromEntries(names.map(name => [name, module()]))
      const all: Record<string, JsonObject> = { ...steady, healthy: module(STAYS, HEALTHY), crashes: module('exit 3') }
      deploy(all)
      await agent.start()
      await reported((modules, code) => [...names, 'healthy'].every(name => isUp(modules[name])) && code === 200)
      const before = await Promise.all(Object.keys(all).map(idOf))

      await engine.end(signal)
      const { m7: _, ...rest } = all
      deploy({ ...rest, late: module() })
      await reported((modules, code) => modules.late?.runtimeStatus === 'backoff' && code === 500)
      await engine.start()
      const stay = names.slice(0, -1)
      await reported(
        (modules, code) =>
          [...stay, 'healthy', 'late'].every(name => isUp(modules[name])) && modules.m7 === undefined && code === 200,
      )
      const after = await Promise.all(Object.keys(rest).map(idOf))
      expect(after).toEqual(before.filter((__, index) => Object.keys(all)[index] !== 'm7'))
      await expect(idOf('m7')).rejects.toMatchObject({ statusCode: 404 })
      expect(cloud.reported).toMatchObject({ modules: { crashes: { exitCode: 3 } } })
    },
    60_000,
  )

  it('modules come up when an engine answers for the first time after the gateway has started', async () => {
    await engine.end()
    deploy({ early: module() })
    await agent.start()
    await reported((modules, code) => modules.early?.runtimeStatus === 'backoff' && code === 500)
    expect(cloud.reported).toMatchObject({
      modules: { early: { statusDescription: expect.stringContaining('The container engine cannot be reached') } },
    })
    await engine.start()
    await reported((modules, code) => isUp(modules.early) && code === 200)
  }, 60_000)
})
