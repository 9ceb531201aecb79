import { join } from 'node:path'
import { createEmulator, type Emulator } from '@edgewright/emulator'
import { EdgeAuthority, formatConnectionString, type Logger, parseConnectionString } from 'edgewright'
import { bindablePort } from './bindable-port.js'
import type { CloudAddresses, Ready } from './views/view.js'

/** The device that the reference gateway is in its embedded cloud, and identities to try things out with. */
const EDGE_DEVICE = 'gateway'
const TRIAL_DEVICE = 'my-device'
const TRIAL_MODULE = 'my-module'
const YEAR = 31_536_000_000

/** Where and with what the embedded cloud runs. */
export interface EmbeddedCloudOptions {
  readonly listen: string
  readonly dataDir: string
  readonly logger: Logger
}

/** An IoT hub inside this program, with everything the gateway and a curious user need in its registry. */
export interface EmbeddedCloud {
  /** Of the edge device that the gateway is. */
  readonly gatewayConnectionString: string
  readonly ports: { readonly amqp: number; readonly https: number }
  /** PEM. */
  readonly ca: string
  /** What to tell about it. @param gatewayHost - name or address of the hub, as clients dial it */
  describe(gatewayHost: string): Pick<Ready, 'cloud' | 'device' | 'module'>
  stop(): Promise<void>
}

/** Starts the embedded cloud. Its certificate comes from the authority that also signs the gateway's. */
export async function startEmbeddedCloud({ listen, dataDir, logger }: EmbeddedCloudOptions): Promise<EmbeddedCloud> {
  const authority = await EdgeAuthority.forDevelopment({ folder: join(dataDir, 'certificates') })
  const { chain: cert, privateKey: key } = await authority.issue({
    commonName: listen,
    dnsNames: ['localhost'],
    ipAddresses: [...new Set([listen, '127.0.0.1', '127.0.0.2'])],
    usage: 'server',
    validity: YEAR,
  })
  const emulator = createEmulator({
    address: listen,
    ports: { https: await bindablePort(listen, 443, logger) },
    tls: { cert, key },
    dataDir: join(dataDir, 'cloud'),
    logger,
  })
  await emulator.start()
  register(emulator)
  return {
    gatewayConnectionString: emulator.deviceConnectionString(EDGE_DEVICE),
    ports: emulator.ports,
    ca: authority.trustBundle,
    describe: gatewayHost => ({
      cloud: addresses(emulator),
      device: { connectionString: through(gatewayHost, emulator.deviceConnectionString(TRIAL_DEVICE)) },
      module: { connectionString: through(gatewayHost, emulator.moduleConnectionString(EDGE_DEVICE, TRIAL_MODULE)) },
    }),
    stop: () => emulator.stop(),
  }
}

function register({ registry }: Emulator): void {
  if (registry.find({ deviceId: EDGE_DEVICE }) === undefined) {
    registry.createDevice({ deviceId: EDGE_DEVICE, capabilities: { iotEdge: true } })
  }
  if (registry.find({ deviceId: TRIAL_DEVICE }) === undefined) {
    registry.createDevice({ deviceId: TRIAL_DEVICE, parentId: EDGE_DEVICE })
  }
  for (const moduleId of ['sensor', 'filter', TRIAL_MODULE]) {
    if (registry.find({ deviceId: EDGE_DEVICE, moduleId }) === undefined) {
      registry.createModule({ deviceId: EDGE_DEVICE, moduleId, managedBy: 'iotEdge' })
    }
  }
}

function addresses(emulator: Emulator): CloudAddresses {
  const { amqp, https, mqtt } = emulator.ports
  const { connectionString, eventHubConnectionString } = emulator
  return { host: emulator.hostName, https, amqp, mqtt, connectionString, eventHubConnectionString }
}

/** The same credentials, by way of the gateway. */
function through(gatewayHostName: string, connectionString: string): string {
  const parsed = parseConnectionString(connectionString)
  return formatConnectionString(parsed.kind === 'identity' ? { ...parsed, gatewayHostName } : parsed)
}
