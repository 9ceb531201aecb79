import { readFile } from 'node:fs/promises'
import {
  amqp,
  createGateway,
  EdgewrightError,
  type Gateway,
  type GatewayOptions,
  https,
  inProcess,
  iotHub,
  type Logger,
  mqtt,
  readProvisioningFile,
} from 'edgewright'
import { bindablePort } from './bindable-port.js'
import { readDeploymentFile } from './deployment-file.js'
import type { EmbeddedCloud } from './embedded-cloud.js'
import type { RunFlags } from './flags.js'
import { filter, SAMPLE_ROUTES, sensor } from './samples.js'
import type { HubAddresses } from './views/view.js'

/** What the reference gateway is made from. */
export interface ReferenceGatewayOptions {
  readonly flags: RunFlags
  readonly dataDir: string
  /** Absent: the cloud that the environment names. */
  readonly cloud: EmbeddedCloud | undefined
  readonly logger: Logger
}

/** Starts the gateway as the command line and the environment want it. */
export async function startGateway(
  options: ReferenceGatewayOptions,
): Promise<{ readonly gateway: Gateway; readonly hub: HubAddresses }> {
  const { flags, dataDir, cloud, logger } = options
  const gateway = createGateway({
    hostname: flags.hostname ?? flags.listen,
    alternativeNames: [...new Set([flags.listen, 'localhost', '127.0.0.1', '127.0.0.2'])],
    dataDir,
    logger,
    upstream: cloud === undefined ? await cloudOfEnvironment() : embedded(cloud),
    listen: [
      mqtt({ address: flags.listen }),
      amqp({ address: flags.listen }),
      https({ address: flags.listen, port: await bindablePort(flags.listen, 443, logger) }),
    ],
    runtimes: flags.samples ? [inProcess({ sensor, filter })] : [],
    ...(await rules(flags)),
  })
  await gateway.start()
  const ports = Object.fromEntries(gateway.addresses.map(({ protocol, port }) => [protocol, port]))
  return { gateway, hub: { host: flags.listen, ...ports } }
}

async function rules(flags: RunFlags): Promise<Pick<GatewayOptions, 'routes' | 'timeToLiveSecs'>> {
  if (flags.config !== undefined) return readDeploymentFile(flags.config)
  return flags.samples ? { routes: SAMPLE_ROUTES } : {}
}

function embedded({ gatewayConnectionString, ports, ca }: EmbeddedCloud) {
  return iotHub({ connectionString: gatewayConnectionString, ports, ca })
}

async function cloudOfEnvironment() {
  const { EDGEWRIGHT_CONNECTION_STRING: connectionString, EDGEWRIGHT_PROVISIONING: file } = process.env
  const { EDGEWRIGHT_CLOUD_CA: caFile } = process.env
  const ca = caFile === undefined ? undefined : await readCaFile(caFile)
  const provisioning = file === undefined ? undefined : await readProvisioningFile(file)
  return iotHub({ connectionString, provisioning, ca })
}

async function readCaFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new EdgewrightError('CONFIG_INVALID', 'The file of EDGEWRIGHT_CLOUD_CA cannot be read', {
      place: path,
      cause,
    })
  }
}
