import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConnectionString } from '@edgewright/protocol'
import {
  DeviceProvisioner,
  EdgeAuthority,
  KeyRing,
  moduleEnvironment,
  ModuleIdentities,
  ModuleRegistry,
  SealingKey,
  signSasToken,
  WorkloadApi,
  type WorkloadTransport,
} from '@edgewright/security'
import { NoRetry } from 'azure-iot-common'
import { ModuleClient } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createGateway, iotHub, mqtt } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'
import { sdkMessage } from './device-client.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** A gateway with a workload API beside it, as a program puts them together. */
async function startedWith(cloud: TestCloud) {
  const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-module-'))
  const sealing = await SealingKey.open(join(dataDir, 'workload', 'sealing.key'))
  const keys = await KeyRing.open({ file: join(dataDir, 'workload', 'keys'), sealer: sealing.sealer('keys') })
  const source = { kind: 'connectionString', connectionString: cloud.connectionString } as const
  const provisioning = { keys, sealer: sealing.sealer('provisioning') }
  const device = await new DeviceProvisioner(provisioning, { source, file: join(dataDir, 'device') }).provision()
  const { hubHostName, deviceId } = device
  const token = () =>
    signSasToken(keys, {
      ...{ host: hubHostName, identity: { deviceId }, keyId: 'device', expiresAt: Date.now() + 600_000 },
    })
  const registry = new ModuleRegistry({
    ...{ host: hubHostName, port: cloud.ports.https, ca: cloud.ca, deviceId },
    credential: { kind: 'token', token },
  })
  const identities = await ModuleIdentities.open(
    { registry, keys, sealer: sealing.sealer('modules') },
    { file: join(dataDir, 'modules') },
  )
  const authority = await EdgeAuthority.forDevelopment({ folder: join(dataDir, 'certificates') })
  const workload = new WorkloadApi(
    {
      modules: { find: moduleId => identities.find(moduleId), list: async () => [] },
      ...{ signer: keys, issuer: authority, sealer: sealing.sealer('workload') },
      device: { hubHostName, deviceId },
    },
    { folder: join(dataDir, 'sockets') },
  )
  const gateway = createGateway({
    ...{ dataDir: join(dataDir, 'gateway'), authority },
    upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
    listen: [mqtt({ address: '127.0.0.1', port: 0 })],
  })
  await gateway.start()
  await workload.start()
  return {
    ...{ gateway, identities, workload },
    async [Symbol.asyncDispose]() {
      await workload.stop()
      await gateway.stop()
      await rm(dataDir, { recursive: true })
    },
  }
}

describe('an unmodified module of the Azure SDK', () => {
  it.each<WorkloadTransport>(['unix', 'http'])(
    'connects with what the gateway puts into its environment, over %s',
    async transport => {
      await using cloud = await startCloud()
      await using running = await startedWith(cloud)
      const [provided] = await running.identities.provide(['sensor'])
      const { uri } = await running.workload.open('sensor', transport)
      const connection = parseConnectionString(cloud.connectionString)
      const environment = moduleEnvironment({
        moduleId: 'sensor',
        generationId: provided!.identity!.generationId,
        deviceId: EDGE,
        hubHostName: connection.hostName,
        gatewayHostName: `127.0.0.1:${running.gateway.addresses[0]!.port}`,
        workloadUri: uri,
      })
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)

      const client = await ModuleClient.fromEnvironment(Mqtt)
      client.setRetryPolicy(new NoRetry())
      await client.open()
      await client.sendOutputEvent('temperature', sdkMessage('{"celsius":21}'))
      const isOurs = ({ sender }: { sender: { moduleId?: string | undefined } }) => sender.moduleId === 'sensor'
      const [event] = await cloud.emulator.events.until(1, { where: isOurs })
      await client.close()
      expect(Buffer.from(event!.message.body).toString()).toBe('{"celsius":21}')
      expect(event!.sender).toEqual({ deviceId: EDGE, moduleId: 'sensor' })
    },
  )
})
