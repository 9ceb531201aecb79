import { createEmulator, type Emulator, type EmulatorOptions } from '@edgewright/emulator'
import { createSasToken, formatSasAudience } from '@edgewright/protocol'
import { testCertificates } from '@edgewright/testkit'

/** An emulator on free ports of 127.0.0.1. */
export interface TestCloud extends AsyncDisposable {
  readonly emulator: Emulator
  /** How to reach it. */
  readonly service: { readonly host: string; readonly port: number; readonly ca: string }
}

/** Starts one. */
export async function startCloud(options: Partial<EmulatorOptions> = {}): Promise<TestCloud> {
  const { ca, cert, key } = testCertificates({ ipAddresses: ['127.0.0.1'] })
  const ports = { mqtt: 0, amqp: 0, https: 0 }
  const emulator = createEmulator({ address: '127.0.0.1', ports, tls: { cert, key }, ...options })
  await emulator.start()
  const service = { host: '127.0.0.1', port: emulator.ports.https, ca }
  return { emulator, service, [Symbol.asyncDispose]: () => emulator.stop() }
}

/** A token of a device, as its holder would sign it. */
export function deviceToken(emulator: Emulator, deviceId: string): string {
  const { authentication } = emulator.registry.get({ deviceId })
  if (authentication.type !== 'symmetricKey') throw new Error(`${deviceId} has no key`)
  const resource = formatSasAudience(emulator.hostName, { deviceId })
  return createSasToken({ resource, expiresAt: Date.now() + 3_600_000, key: authentication.primaryKey })
}
