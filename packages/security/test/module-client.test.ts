import { EventEmitter } from 'node:events'
import { parseSasToken, type SasToken, verifySasToken } from '@edgewright/protocol'
import { ModuleClient } from 'azure-iot-device'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { moduleEnvironment, type WorkloadTransport } from '../src/index.js'
import { startWorkload, type TestWorkload } from './support/workload.js'

/** What a transport of the SDK is made with, as far as it is used here. */
interface AuthenticationProvider {
  getDeviceCredentials(done: (error: Error | null, credentials?: { sharedAccessSignature: string }) => void): void
  stop(): void
}

/** Stands where the SDK's MQTT or AMQP would: keeps what the client gives it, and connects to nothing. */
class Transport extends EventEmitter {
  static provider: AuthenticationProvider
  static ca: string | undefined

  constructor(provider: AuthenticationProvider) {
    super()
    Transport.provider = provider
  }

  setOptions({ ca }: { ca?: string }): void {
    Transport.ca = ca
  }
}

let workload: TestWorkload
beforeEach(async () => {
  workload = await startWorkload()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await workload[Symbol.asyncDispose]()
})

it.each<WorkloadTransport>(['unix', 'http'])(
  'an unmodified module client starts from its environment over %s',
  async transport => {
    const identity = { deviceId: 'press#7', moduleId: 'sensor' }
    const environment = moduleEnvironment({
      ...identity,
      generationId: '638000000000000001',
      hubHostName: 'plant.azure-devices.net',
      gatewayHostName: 'press-7.local',
      workloadUri: (await workload.api.open('sensor', transport)).uri,
    })
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
    await ModuleClient.fromEnvironment(Transport as never)
    expect(Transport.ca).toBe(workload.authority.trustBundle)

    const signed = await new Promise<string>((resolve, reject) => {
      Transport.provider.getDeviceCredentials((error, credentials) =>
        error ? reject(error) : resolve(credentials!.sharedAccessSignature),
      )
    })
    Transport.provider.stop()
    const verdict = verifySasToken(parseSasToken(signed) as SasToken, {
      hosts: ['plant.azure-devices.net'],
      identities: [identity],
      keys: [workload.keys.get('sensor')!.toString('base64')],
      now: Date.now(),
    })
    expect(verdict.valid).toBe(true)
  },
)

it('a module client with the environment of another module gets no signature', async () => {
  const environment = moduleEnvironment({
    deviceId: 'press#7',
    moduleId: 'filter',
    generationId: '638000000000000001',
    hubHostName: 'plant.azure-devices.net',
    gatewayHostName: 'press-7.local',
    workloadUri: (await workload.api.open('sensor')).uri,
  })
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  await ModuleClient.fromEnvironment(Transport as never)
  const error = await new Promise<Error | null>(resolve => Transport.provider.getDeviceCredentials(resolve))
  Transport.provider.stop()
  expect(error?.message).toContain('forbidden')
})
