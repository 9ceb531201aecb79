import { createEmulator, type Emulator, type EmulatorOptions } from '@edgewright/emulator'
import { testCertificates } from '@edgewright/testkit'

/** A cloud for one test: an emulator on free ports, with an edge device and what stands behind it. */
export interface TestCloud extends AsyncDisposable {
  readonly emulator: Emulator
  /** Of the edge device that the gateway is. */
  readonly connectionString: string
  /** PEM. */
  readonly ca: string
  readonly ports: { readonly amqp: number; readonly https: number }
  /** Connection string of a new device behind the gateway, to be used through it, or straight when none is named. */
  device(deviceId: string, gateway?: string): string
  /** Connection string of a new module of the edge device, to be used through the gateway. */
  module(moduleId: string, gateway: string): string
}

/** The edge device. */
export const EDGE = 'edge'

/**
 * @param address - of its own, with the protocols' own ports on it; absent: any free ports of 127.0.0.1
 * @param alternatives - further addresses under which clients may find it
 */
export async function startCloud(
  address?: string,
  alternatives: readonly string[] = [],
  options: Partial<EmulatorOptions> = {},
): Promise<TestCloud> {
  const tls = testCertificates({ ipAddresses: [address ?? '127.0.0.1', ...alternatives] })
  const free = { address: '127.0.0.1', ports: { mqtt: 0, amqp: 0, https: 0 } }
  const emulator = createEmulator({ ...(address === undefined ? free : { address }), tls, ...options })
  await emulator.start()
  const { registry } = emulator
  registry.createDevice({ deviceId: EDGE, capabilities: { iotEdge: true } })
  return {
    emulator,
    connectionString: emulator.deviceConnectionString(EDGE),
    ca: tls.ca,
    ports: emulator.ports,
    device(deviceId, gateway) {
      registry.createDevice({ deviceId, parentId: EDGE })
      const connectionString = emulator.deviceConnectionString(deviceId)
      return gateway === undefined ? connectionString : `${connectionString};GatewayHostName=${gateway}`
    },
    module(moduleId, gateway) {
      registry.createModule({ deviceId: EDGE, moduleId })
      return `${emulator.moduleConnectionString(EDGE, moduleId)};GatewayHostName=${gateway}`
    },
    [Symbol.asyncDispose]: () => emulator.stop(),
  }
}
