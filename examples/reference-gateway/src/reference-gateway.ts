import { readFile } from 'node:fs/promises'
import {
  amqp,
  createGateway,
  EdgeAuthority,
  docker,
  EdgewrightError,
  type Gateway,
  type GatewayOptions,
  https,
  inProcess,
  iotHub,
  type Logger,
  ManifestError,
  mqtt,
  processes,
  readProvisioningFile,
} from 'edgewright'
import { bindablePort } from './bindable-port.js'
import { manifestInvalid } from './commands/deploy.js'
import { hasModules, readDeploymentFile, readDocument } from './deployment-file.js'
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
    authority: await authorityOfEnvironment(logger),
    upstream: cloud === undefined ? await cloudOfEnvironment() : embedded(cloud),
    listen: [
      mqtt({ address: flags.listen }),
      amqp({ address: flags.listen }),
      https({ address: flags.listen, port: await bindablePort(flags.listen, 443, logger) }),
    ],
    runtimes: [
      docker({ ...(isReachable(flags.listen) && { gatewayAddress: flags.listen }) }),
      processes(),
      inProcess(flags.samples ? { sensor, filter } : {}),
    ],
    ...(await rules(flags)),
  })
  await gateway.start()
  gateway.agent!.on('deployment', ({ modules }) => {
    const hasContainers = modules.some(({ specification }) => specification.type === 'docker')
    if (hasContainers && isLoopback(flags.listen)) logger.log('warn', UNREACHABLE, { listen: flags.listen })
  })
  if (flags.config !== undefined) await deployFile(gateway, flags.config)
  const ports = Object.fromEntries(gateway.addresses.map(({ protocol, port }) => [protocol, port]))
  return { gateway, hub: { host: flags.listen, ...ports } }
}

const UNREACHABLE =
  'Containers do not reach this address: start with --listen and an address of this machine that they do, such as that of the network azure-iot-edge'

function isLoopback(address: string): boolean {
  return /^(127\.|::1$|localhost$)/.test(address)
}

/** Whether it is one address, and containers may reach it. */
function isReachable(address: string): boolean {
  return !isLoopback(address) && address !== '0.0.0.0' && address !== '::'
}

/** The modules of a deployment document, where it has any. */
async function deployFile(gateway: Gateway, path: string): Promise<void> {
  const document = await readDocument(path)
  if (!hasModules(document)) return
  try {
    await gateway.agent!.deploy(document)
  } catch (error) {
    throw error instanceof ManifestError ? manifestInvalid(error) : error
  }
}

async function rules(flags: RunFlags): Promise<Pick<GatewayOptions, 'routes' | 'timeToLiveSecs'>> {
  if (flags.config !== undefined) return (await readDeploymentFile(flags.config)) ?? {}
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

/** The operator's authority, when the environment names one; else the gateway makes one for development. */
async function authorityOfEnvironment(logger: Logger): Promise<EdgeAuthority | undefined> {
  const { EDGEWRIGHT_EDGE_CA: certificateFile, EDGEWRIGHT_EDGE_CA_KEY: privateKeyFile } = process.env
  if (certificateFile === undefined && privateKeyFile === undefined) return undefined
  if (certificateFile !== undefined && privateKeyFile !== undefined) {
    return await EdgeAuthority.fromFiles({ certificateFile, privateKeyFile }, { logger })
  }
  throw new EdgewrightError('CONFIG_INVALID', 'An authority needs a certificate and a key', {
    place: certificateFile === undefined ? 'EDGEWRIGHT_EDGE_CA' : 'EDGEWRIGHT_EDGE_CA_KEY',
    remedy: 'Set EDGEWRIGHT_EDGE_CA and EDGEWRIGHT_EDGE_CA_KEY to two PEM files, or neither.',
  })
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
