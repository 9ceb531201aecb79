import type { JsonObject } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { memoryModuleHost, virtualClock } from '@edgewright/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { EdgeAgent, InProcessRuntime, type ModuleFunction, Supervisor } from '../src/index.js'
import { Cloud, sealer } from './support/cloud.js'

const patient: ModuleFunction = ({ signal }) =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

function deployment(...names: string[]): JsonObject {
  const modules = names.map(name => [
    name,
    { type: 'in-process', status: 'running', restartPolicy: 'always', settings: {}, env: { KEY: { value: 's3cret' } } },
  ])
  return {
    schemaVersion: '1.1',
    runtime: { type: 'docker', settings: {} },
    systemModules: {},
    modules: Object.fromEntries(modules),
  }
}

describe('EdgeAgent', () => {
  const running: EdgeAgent[] = []

  afterEach(async () => {
    for (const agent of running.splice(0)) await agent.stop()
  })

  async function started(cloud: Cloud, store = new MemoryStore(), functions: Record<string, ModuleFunction> = {}) {
    const clock = virtualClock()
    const all = { a: patient, b: patient, local: patient, ...functions }
    const runtime = new InProcessRuntime({ host: memoryModuleHost(), clock }, { functions: all })
    const supervisor = new Supervisor({ runtimes: [runtime], clock, random: () => 0 })
    await store.start()
    const localModules = [{ specification: { name: 'local', type: 'in-process', settings: {}, environment: {} } }]
    const agent = new EdgeAgent(
      { supervisor, upstream: cloud as never, deviceId: 'press-7', store, sealer, clock },
      { localModules },
    )
    running.push(agent)
    await agent.start()
    await clock.advance(0)
    const states = () => Object.fromEntries(supervisor.status().map(({ name, state }) => [name, state]))
    return { agent, clock, store, states }
  }

  it('carries out the deployment of the twin and reports within five seconds', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a', 'b'))
    const { clock, states } = await started(cloud)
    await clock.advance(5_000)
    expect(states()).toEqual({ a: 'running', b: 'running', local: 'running' })
    expect(cloud.reported).toMatchObject({
      lastDesiredVersion: 2,
      lastDesiredStatus: { code: 200 },
      modules: {
        a: { runtimeStatus: 'running' },
        b: { runtimeStatus: 'running' },
        local: { runtimeStatus: 'running' },
      },
    })
    expect(JSON.stringify(cloud.reported)).not.toContain('s3cret')
  })

  it('follows changes, fetches the whole when one is missing, and reports only what differs', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a'))
    const { clock, states } = await started(cloud)
    await clock.advance(5_000)
    cloud.patches.length = 0
    cloud.handlers.desired!({ patch: { modules: { b: (deployment('b').modules as JsonObject).b! } }, version: 3 })
    await clock.advance(5_000)
    expect(states()).toMatchObject({ a: 'running', b: 'running' })
    expect(cloud.patches.every(patch => (patch.modules as JsonObject | undefined)?.a === undefined)).toBe(true)

    cloud.desired = { properties: deployment('b'), version: 9 }
    cloud.handlers.desired!({ patch: {}, version: 9 })
    await clock.advance(5_000)
    expect(states()).toEqual({ b: 'running', local: 'running' })
    expect(cloud.reported).toMatchObject({ lastDesiredVersion: 9 })
    expect(cloud.reported.modules).not.toHaveProperty('a')
    cloud.patches.length = 0
    await clock.advance(1_800_000)
    expect(cloud.patches).toEqual([])
  })

  it('says of a deployment that cannot be used why, and keeps the one before', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a'))
    const { clock, states } = await started(cloud)
    await clock.advance(5_000)
    cloud.handlers.desired!({ patch: { modules: { a: { settings: null } } }, version: 3 })
    await clock.advance(5_000)
    expect(states()).toMatchObject({ a: 'running' })
    expect(cloud.reported).toMatchObject({
      lastDesiredVersion: 3,
      lastDesiredStatus: { code: 400, description: 'modules.a.settings: it is missing' },
    })
    cloud.handlers.desired!({ patch: { modules: { a: { settings: {} } } }, version: 4 })
    await clock.advance(5_000)
    expect(cloud.reported).toMatchObject({ lastDesiredVersion: 4, lastDesiredStatus: { code: 200 } })
  })

  it('brings all modules up without a network, from what it kept', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a', 'b'))
    const store = new MemoryStore()
    const first = await started(cloud, store)
    await first.clock.advance(5_000)
    await first.agent.stop()
    expect(cloud.reported).toMatchObject({
      lastDesiredStatus: { code: 406 },
      modules: { a: { runtimeStatus: 'unknown' } },
    })
    const row = await store.get('agent', 'deployment')
    expect(Buffer.from(row!).toString()).not.toContain('schemaVersion')

    cloud.cut(true)
    const second = await started(cloud, store)
    await second.clock.advance(0)
    expect(second.states()).toEqual({ a: 'running', b: 'running', local: 'running' })
    cloud.deploy(deployment('a'))
    await second.clock.advance(600_000)
    expect(second.states()).toMatchObject({ b: 'running' })
    cloud.cut(false)
    await second.clock.advance(5_000)
    expect(second.states()).toEqual({ a: 'running', local: 'running' })
    expect(cloud.reported).toMatchObject({ lastDesiredVersion: 3, lastDesiredStatus: { code: 200 } })
  })

  it('tells of a device without a deployment that it is empty, and runs its own modules', async () => {
    const cloud = new Cloud()
    const { clock, states } = await started(cloud)
    await clock.advance(5_000)
    expect(states()).toEqual({ local: 'running' })
    expect(cloud.reported).toMatchObject({ lastDesiredStatus: { code: 417 } })
  })

  it('tells of a crash within five seconds, and after an outage only how it stands', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('shaky'))
    let crash = (_: Error) => {}
    const shaky: ModuleFunction = context =>
      Promise.race([patient(context), new Promise<void>((_, reject) => (crash = reject))])
    const { clock } = await started(cloud, new MemoryStore(), { shaky })
    await clock.advance(5_000)
    crash(new Error('out of order'))
    await clock.advance(5_000)
    expect(cloud.reported).toMatchObject({ modules: { shaky: { runtimeStatus: 'backoff', exitCode: 1 } } })
    cloud.cut(true)
    await clock.advance(6_000)
    crash(new Error('again'))
    await clock.advance(30_000)
    cloud.patches.length = 0
    cloud.cut(false)
    await clock.advance(1_000)
    expect(cloud.patches).toHaveLength(1)
    expect(cloud.reported).toMatchObject({ modules: { shaky: { runtimeStatus: 'running', restartCount: 2 } } })
  })

  it('gives up a call that gets no answer, and tries again', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a'))
    cloud.isStuck = true
    const { clock, states } = await started(cloud)
    await clock.advance(30_000)
    cloud.isStuck = false
    await clock.advance(40_000)
    expect(states()).toEqual({ a: 'running', local: 'running' })
    expect(cloud.reported).toMatchObject({ lastDesiredStatus: { code: 200 } })
  })

  it('goes by what the deployment says to the agent itself', async () => {
    const cloud = new Cloud()
    const environment = { MaxRestartCount: { value: 1 }, CoolOffTimeUnitInSeconds: { value: 1 } }
    const edgeAgent = { type: 'docker', settings: { image: 'agent:1' }, env: environment }
    cloud.deploy({ ...deployment('crashes'), systemModules: { edgeAgent } })
    const crashes = async () => {
      throw new Error('out of order')
    }
    const { clock, states } = await started(cloud, new MemoryStore(), { crashes })
    await clock.advance(500)
    expect(states()).toMatchObject({ crashes: 'backoff' })
    await clock.advance(5_000)
    expect(states()).toMatchObject({ crashes: 'failed' })
    expect(cloud.reported).toMatchObject({
      systemModules: { edgeAgent: { runtimeStatus: 'running', settings: { image: 'agent:1' } } },
    })
  })

  it('says what a deployment would change', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a'))
    const { agent, clock } = await started(cloud)
    await clock.advance(5_000)
    expect(agent.preview(deployment('b')).due).toMatchObject([
      { name: 'a', action: 'remove', reason: 'it is not in the deployment' },
      { name: 'b', action: 'create' },
    ])
  })

  it('carries a local deployment out until the cloud orders anew, also after a start', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a'))
    const store = new MemoryStore()
    const first = await started(cloud, store)
    await first.clock.advance(5_000)
    await first.agent.deploy({ modulesContent: { $edgeAgent: { 'properties.desired': deployment('b') } } })
    await first.clock.advance(5_000)
    expect(first.states()).toEqual({ b: 'running', local: 'running' })
    await expect(first.agent.deploy({ schemaVersion: '1.1' })).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    expect(first.states()).toMatchObject({ b: 'running' })
    await first.agent.stop()

    const second = await started(cloud, store)
    await second.clock.advance(5_000)
    expect(second.states()).toEqual({ b: 'running', local: 'running' })
    cloud.deploy(deployment('a'))
    cloud.handlers.desired!({ patch: {}, version: 3 })
    await second.clock.advance(5_000)
    expect(second.states()).toEqual({ a: 'running', local: 'running' })
    expect(cloud.reported).toMatchObject({ lastDesiredVersion: 3, lastDesiredStatus: { code: 200 } })
  })

  it('notices by itself what it was never told', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a'))
    const { clock, states } = await started(cloud)
    await clock.advance(5_000)
    cloud.deploy(deployment('b'))
    await clock.advance(3_600_000)
    expect(states()).toEqual({ b: 'running', local: 'running' })
  })

  it('stops in time though the cloud does not answer', async () => {
    const cloud = new Cloud()
    cloud.deploy(deployment('a'))
    const { agent, clock } = await started(cloud)
    await clock.advance(5_000)
    cloud.isStuck = true
    const stopped = agent.stop()
    await clock.advance(2_000)
    await stopped
  })
})
