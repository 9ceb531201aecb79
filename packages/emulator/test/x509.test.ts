import { X509Certificate } from 'node:crypto'
import { testCertificates } from '@edgewright/testkit'
import { Message, NoRetry } from 'azure-iot-common'
import { Client } from 'azure-iot-device'
import { describe, expect, test } from 'vitest'
import { DEVICE_TRANSPORTS } from './support/device-transports.js'
import { startEmulator } from './support/emulator.js'

const SENSOR = { deviceId: 'sensor' }

describe.each(DEVICE_TRANSPORTS)('a certificate over %s', (_, Transport) => {
  test('lets a device in by its thumbprint, and no other', async () => {
    await using running = await startEmulator()
    const own = testCertificates({ commonName: 'whatever' })
    const primary = new X509Certificate(own.cert).fingerprint256.replaceAll(':', '')
    const authentication = { type: 'thumbprint' as const, primary, secondary: '' }
    running.emulator.registry.createDevice({ ...SENSOR, authentication })
    expect(running.emulator.deviceConnectionString('sensor')).toContain('x509=true')
    const connect = async ({ cert, key }: { cert: string; key: string }) => {
      const client = Client.fromConnectionString(running.emulator.deviceConnectionString('sensor'), Transport)
      client.setRetryPolicy(new NoRetry())
      await client.setOptions({ ca: running.ca, cert, key })
      await client.open()
      await client.sendEvent(new Message('x'))
      await client.close()
    }
    await connect(own)
    expect(running.emulator.events.snapshot()).toMatchObject([
      { sender: SENSOR, authentication: { scope: 'device', type: 'x509Certificate' } },
    ])
    await expect(connect(testCertificates())).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })

  test('lets a device in whose name an authority has certified', async () => {
    const { ca, cert, key } = testCertificates({ commonName: 'sensor' })
    await using running = await startEmulator({ authorities: [ca] })
    running.emulator.registry.createDevice({ ...SENSOR, authentication: { type: 'certificateAuthority' } })
    const client = Client.fromConnectionString(running.emulator.deviceConnectionString('sensor'), Transport)
    client.setRetryPolicy(new NoRetry())
    await client.setOptions({ ca: running.ca, cert, key })
    await client.open()
    await client.sendEvent(new Message('x'))
    await client.close()
    expect(running.emulator.events.snapshot()[0]?.authentication.type).toBe('x509CertificateAuthority')
  })
})
