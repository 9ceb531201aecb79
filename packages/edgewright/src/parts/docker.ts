import { isIP } from 'node:net'
import type { ModuleSpecification } from '@edgewright/core'
import { CONTAINER_WORKLOAD_URI, WORKLOAD_MOUNT } from '@edgewright/security'
import {
  type ContainerPreparation,
  type DockerOptions,
  DockerRuntime,
  ImageCleanup,
  type ImageCleanupOptions,
  type ImageRule,
  ImageRules,
  OciRegistry,
  type RegistryCredential,
} from '@edgewright/supervisor'
import type { RuntimeContext, RuntimePart } from '../context.js'

/** How modules run as containers. */
export interface DockerPartOptions extends DockerOptions {
  /** A bridge network for modules that choose none; made when missing. @default 'azure-iot-edge' */
  readonly network?: string
  /** Keeps the modules of several gateways on one engine apart. @default the cloud hub's name, and the device's */
  readonly scope?: string
  /** Logins beside those of the deployment, which come first. @default none */
  readonly credentials?: readonly RegistryCredential[]
  /** Where images may come from, and what is asked of them. @default every image will do */
  readonly images?: readonly ImageRule[]
  /** Registries that are asked for signatures without TLS, as `127.0.0.1:5000`. @default none */
  readonly insecureRegistries?: readonly string[]
  /** When images that nobody needs any more go. @default images go 7 days after their last use; false: never */
  readonly cleanup?: ImageCleanupOptions | false
  /** Where containers reach this gateway. @default the address that the host has on the network */
  readonly gatewayAddress?: string
}

/** What containers call the gateway when its own name would mean themselves. */
const HOST_ALIAS = 'host.docker.internal'

/**
 * Modules that are containers of a Docker Engine: those of type `docker` in a deployment. Each has its own socket of the
 * workload API mounted, and the variables that IoT Edge gives, so that `ModuleClient.fromEnvironment` connects. An engine
 * that does not answer is waited for.
 */
export function docker(options: DockerPartOptions = {}): RuntimePart {
  return context => {
    const { credentials = [], images, insecureRegistries = [], cleanup, gatewayAddress, ...engine } = options
    const { clock, logger, store, deployment, agentSettings } = context
    const logins = () => [
      ...(deployment()?.runtime.registryCredentials ?? []),
      ...agentSettings().credentials,
      ...credentials,
    ]
    const registry = new OciRegistry({ credentials: logins, insecure: insecureRegistries })
    const gateway = gatewayNameFor(context.hostname)
    const runtime = new DockerRuntime(
      {
        ...{ clock, logger, credentials: logins },
        ...(images && { verifier: new ImageRules({ rules: images, registry, clock, logger }) }),
        prepare: (specification, signal) =>
          prepare(context, specification, { name: gateway, address: gatewayAddress, runtime }, signal),
      },
      { network: 'azure-iot-edge', scope: `${context.hubHostName}/${context.deviceId}`, ...engine },
    )
    const wanted = () => (deployment()?.modules ?? []).map(({ specification }) => String(specification.settings.image))
    const cleaning =
      cleanup === false ? [] : [new ImageCleanup({ shelf: runtime, store, wanted, clock, logger }, cleanup)]
    return { runtime, modules: [], names: [gateway], parts: cleaning }
  }
}

interface GatewayPlace {
  readonly name: string
  readonly address: string | undefined
  readonly runtime: DockerRuntime
}

async function prepare(
  { admit }: RuntimeContext,
  specification: ModuleSpecification,
  { name, address, runtime }: GatewayPlace,
  signal?: AbortSignal,
): Promise<ContainerPreparation> {
  const options = { gatewayHostName: name, workloadUri: CONTAINER_WORKLOAD_URI }
  const { environment, workload } = await admit(specification, options, signal)
  return {
    environment,
    binds: [`${workload.folder}:${WORKLOAD_MOUNT}:ro`],
    extraHosts: isIP(name) === 0 ? [`${name}:${address ?? (await runtime.hostAddress())}`] : [],
  }
}

/** The name that modules dial: the gateway's own, unless inside a container it would mean the container. */
function gatewayNameFor(hostname: string): string {
  const isLoopback = hostname === 'localhost' || hostname === '::1' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  return isLoopback ? HOST_ALIAS : hostname
}
