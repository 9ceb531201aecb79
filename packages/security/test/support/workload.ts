import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogFields, ModuleObservation } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import {
  EdgeAuthority,
  KeyRing,
  SealingKey,
  WorkloadApi,
  type WorkloadIdentity,
  type WorkloadOptions,
} from '../../src/index.js'

/** A workload API on real parts, in a folder of its own. */
export interface TestWorkload extends AsyncDisposable {
  readonly api: WorkloadApi
  readonly folder: string
  readonly authority: EdgeAuthority
  /** Module id → its identity; change it as the cloud would. */
  readonly identities: Map<string, WorkloadIdentity>
  /** Module id → its primary key. */
  readonly keys: ReadonlyMap<string, Buffer>
  readonly clock: ReturnType<typeof virtualClock>
  /** Everything that was logged, as text. */
  readonly log: string[]
}

const OBSERVATIONS: readonly ModuleObservation[] = [
  {
    name: 'sensor',
    state: 'running',
    startedAt: Date.UTC(2026, 0, 1),
    specification: {
      name: 'sensor',
      type: 'docker',
      settings: { image: 'plant/sensor:1', auth: 'registry password' },
      environment: { TOKEN: 'module secret' },
    },
  },
  {
    name: 'filter',
    state: 'failed',
    exitedAt: Date.UTC(2026, 0, 2),
    exitCode: 137,
    reason: 'killed',
    specification: { name: 'filter', type: 'process', settings: {}, environment: {} },
  },
]

/** Starts one with the modules `sensor`, `filter` and `$edgeAgent`. */
export async function startWorkload(options: Partial<WorkloadOptions> = {}): Promise<TestWorkload> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-workload-'))
  const clock = virtualClock()
  const log: string[] = []
  const logger = { log: (_: string, text: string, fields?: LogFields) => void log.push(`${text} ${show(fields)}`) }
  const sealing = await SealingKey.open(join(folder, 'keys', 'sealing.key'))
  const ring = await KeyRing.open({ file: join(folder, 'keys', 'ring'), sealer: sealing.sealer('keys') })
  const keys = new Map<string, Buffer>()
  const identities = new Map<string, WorkloadIdentity>()
  for (const moduleId of ['sensor', 'filter', '$edgeAgent']) {
    keys.set(moduleId, Buffer.from(`the primary key of ${moduleId}`))
    identities.set(moduleId, { generationId: '638000000000000001', keyId: `modules/${moduleId}` })
    await ring.put(`modules/${moduleId}`, keys.get(moduleId)!)
  }
  const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'certificates') }, { clock })
  const api = new WorkloadApi(
    {
      modules: { find: moduleId => identities.get(moduleId), list: async () => OBSERVATIONS },
      signer: ring,
      issuer: authority,
      sealer: sealing.sealer('workload'),
      device: { hubHostName: 'plant.azure-devices.net', deviceId: 'press#7' },
      clock,
      logger,
    },
    { folder: join(folder, 'workload'), ...options },
  )
  await api.start()
  return {
    ...{ api, folder: join(folder, 'workload'), authority, identities, keys, clock, log },
    async [Symbol.asyncDispose]() {
      await api.stop()
      await rm(folder, { recursive: true })
    },
  }
}

function show(fields: LogFields = {}): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
