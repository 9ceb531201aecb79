import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EdgeAuthority } from '@edgewright/security'
import { testCertificates } from '@edgewright/testkit'
import { NoRetry } from 'azure-iot-common'
import { Client, type Twin } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGateway, iotHub, mqtt } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'
import { sdkMessage } from './device-client.js'

/** The SDK knows of no other gateway than the host, and of no other port, when it shows a certificate. */
const ADDRESS = '127.9.9.1'

let cloud: TestCloud
let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-certified-'))
  cloud = await startCloud()
})
afterEach(async () => {
  await cloud[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})

describe.each(['amqp', 'mqtt'] as const)(
  'a device with a certificate behind a gateway that is linked over %s',
  transport => {
    it.each(['thumbprint', 'certificateAuthority'] as const)(
      'and is registered by %s: the gateway speaks for it in the cloud',
      async type => {
        const authority = await EdgeAuthority.forDevelopment({ folder: join(dataDir, 'authority') })
        const { registry, twins, methods, events } = cloud.emulator
        const deviceId = 'certified'
        const made = testCertificates()
        const issued = await authority.issue({ commonName: deviceId, usage: 'client', validity: 3_600_000 })
        const own =
          type === 'thumbprint' ? { cert: made.cert, key: made.key } : { cert: issued.chain, key: issued.privateKey }
        const primary = new X509Certificate(own.cert).fingerprint256.replaceAll(':', '')
        const authentication = type === 'thumbprint' ? { type, primary, secondary: '' } : { type }
        registry.createDevice({ deviceId, parentId: EDGE, authentication })
        await using gateway = createGateway({
          ...{ dataDir, authority, hostname: ADDRESS },
          upstream: iotHub({
            ...{ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports, transports: [transport] },
          }),
          listen: [mqtt({ address: ADDRESS })],
        })
        await gateway.start()
        const connectionString = `HostName=${ADDRESS};DeviceId=${deviceId};x509=true`
        const client = Client.fromConnectionString(connectionString, Mqtt)
        client.setRetryPolicy(new NoRetry())
        await client.setOptions({ ca: gateway.trustBundle, ...own })
        await client.open()

        await client.sendEvent(sdkMessage('by certificate'))
        const [event] = await events.until(1)
        expect(event!.sender).toEqual({ deviceId })
        twins.change({ deviceId }, { desired: { pace: 5 } }, 'merge')
        const twin: Twin = await client.getTwin()
        expect(twin.properties.desired.pace).toBe(5)
        client.onDeviceMethod('ping', (_request, response) => response.send(200, 'pong', () => undefined))
        const times = { connectTimeout: 10_000, responseTimeout: 10_000 }
        await expect(methods.invoke({ deviceId }, { name: 'ping', payload: null, ...times })).resolves.toMatchObject({
          payload: 'pong',
        })
        await client.close()
        await expect.poll(() => gateway.status().queues.every(({ waiting }) => waiting === 0)).toBe(true)
      },
    )
  },
)
