import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject, JsonValue } from '@edgewright/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGateway, type Gateway, inProcess, iotHub, type ModuleFunction, processes } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'

const AGENT = { deviceId: EDGE, moduleId: '$edgeAgent' }

const patient: ModuleFunction = ({ signal }) =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

/** Writes its environment, and stays until it is told to end. */
const WORKER = 'console.log(JSON.stringify(process.env)); setInterval(() => {}, 1000)'

function worker(env: JsonObject = {}): JsonObject {
  const settings = { command: process.execPath, args: ['-e', WORKER] }
  return { type: 'process', status: 'running', restartPolicy: 'always', settings, env }
}

const FUNCTION: JsonObject = { type: 'in-process', status: 'running', restartPolicy: 'always', settings: {} }

describe('the modules of a gateway', () => {
  let cloud: TestCloud
  let dataDir: string
  let gateway: Gateway

  beforeEach(async () => {
    cloud = await startCloud()
    dataDir = await mkdtemp(join(tmpdir(), 'edgewright-modules-'))
    gateway = newGateway()
    await gateway.start()
  })

  afterEach(async () => {
    await gateway.stop()
    await cloud[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })

  function newGateway(): Gateway {
    return createGateway({
      ...{ dataDir, hostname: 'press-7.local' },
      upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
      runtimes: [processes(), inProcess({ helper: patient, own: patient })],
      modules: { gather: 50, firstRetry: 200, maxRetry: 200, grace: 5_000 },
    })
  }

  function deploy(modules: JsonObject): void {
    const runtime = { type: 'docker', settings: {} }
    const desired = { schemaVersion: '1.1', runtime, systemModules: {}, modules }
    cloud.emulator.twins.change(AGENT, { desired }, 'replace')
  }

  async function reported(holds: (modules: Record<string, JsonObject>, code: JsonValue) => boolean) {
    await cloud.emulator.twins.until(AGENT, ({ reported: { properties } }) =>
      holds(
        (properties.modules ?? {}) as Record<string, JsonObject>,
        (properties.lastDesiredStatus as JsonObject | undefined)?.code ?? 0,
      ),
    )
  }

  const isRunning = (module: JsonObject | undefined) => module?.runtimeStatus === 'running'
  const registered = (moduleId: string) => cloud.emulator.registry.find({ deviceId: EDGE, moduleId })

  async function invoke(name: string, payload: JsonValue) {
    const times = { connectTimeout: 10_000, responseTimeout: 10_000 }
    return await cloud.emulator.methods.invoke(AGENT, { name, payload, ...times })
  }

  it('come from the deployment of the cloud, each on its runtime, with an identity and what it is told of it', async () => {
    deploy({ worker: worker({ GREETING: { value: 'hello' } }), helper: FUNCTION })
    await reported(({ worker, helper, own }, code) => [worker, helper, own].every(isRunning) && code === 200)
    expect(registered('worker')).toMatchObject({ managedBy: 'IotEdge' })
    const request = { schemaVersion: '1.0', encoding: 'none', contentType: 'text' }
    for await (const _ of gateway.supervisor!.logs('worker', { follow: true })) break
    const logs = await invoke('GetModuleLogs', { ...request, items: { id: '^worker$', filter: { tail: 1 } } })
    const [{ payload }] = logs.payload as [{ payload: string }]
    expect(JSON.parse(payload)).toMatchObject({
      GREETING: 'hello',
      IOTEDGE_MODULEID: 'worker',
      IOTEDGE_DEVICEID: EDGE,
      IOTEDGE_GATEWAYHOSTNAME: 'press-7.local',
      IOTEDGE_IOTHUBHOSTNAME: cloud.emulator.hostName,
      IOTEDGE_MODULEGENERATIONID: registered('worker')!.generationId,
      IOTEDGE_WORKLOADURI: expect.stringMatching(/^unix:.*workload\.sock$/),
      IOTEDGE_AUTHSCHEME: 'sasToken',
      IOTEDGE_APIVERSION: '2022-08-03',
    })
    expect(await invoke('ping', null)).toMatchObject({ status: 200 })
  })

  it('lose their identity when they have gone, and not before', async () => {
    deploy({ worker: worker() })
    await reported(({ worker }) => isRunning(worker))
    const supervisor = gateway.supervisor!
    const gone = once(supervisor as never, 'gone').then(() => registered('worker'))
    deploy({ helper: FUNCTION })
    expect(await gone).toBeDefined()
    await reported(({ worker, helper }) => worker === undefined && isRunning(helper))
    await expect.poll(() => registered('worker')).toBeUndefined()
  })

  it('are refused a variable that is the gateway’s to give, alone', async () => {
    deploy({ worker: worker({ IOTEDGE_DEVICEID: { value: 'another' } }), helper: FUNCTION })
    await reported(({ worker, helper }, code) => code === 500 && isRunning(helper) && worker !== undefined)
    const { reported: twin } = cloud.emulator.twins.get(AGENT)
    expect(twin.properties).toMatchObject({
      lastDesiredStatus: { description: expect.stringContaining('worker: The deployment gives IOTEDGE_DEVICEID') },
    })
  })

  it('go on when the agent’s own identity was made anew in the cloud', async () => {
    deploy({ worker: worker() })
    await reported(({ worker }) => isRunning(worker))
    await gateway.stop()
    cloud.emulator.registry.remove(AGENT)
    cloud.emulator.registry.createModule({ ...AGENT, managedBy: 'iotEdge' })
    deploy({ helper: FUNCTION })
    gateway = newGateway()
    await gateway.start()
    await reported(({ worker, helper }) => worker === undefined && isRunning(helper))
  })

  it('come up without a network, from what was kept', async () => {
    deploy({ worker: worker(), helper: FUNCTION })
    await reported(({ worker, helper }, code) => isRunning(worker) && isRunning(helper) && code === 200)
    await gateway.stop()
    await cloud.emulator.stop()
    gateway = newGateway()
    await gateway.start()
    const states = () => Object.fromEntries(gateway.supervisor!.status().map(({ name, state }) => [name, state]))
    await expect.poll(states).toEqual({ worker: 'running', helper: 'running', own: 'running' })
  })
})
