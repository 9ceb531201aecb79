import { EdgewrightError } from '@edgewright/core'
import { LATEST_WORKLOAD_API_VERSION } from './api-version.js'

/** Where a container finds its module's own folder of the workload API; mount `WorkloadAddress.folder` there. */
export const WORKLOAD_MOUNT = '/var/run/iotedge'

/** The file name of a module's socket in its folder. */
export const WORKLOAD_SOCKET = 'workload.sock'

/** Where the workload API is for a module in a container. */
export const CONTAINER_WORKLOAD_URI = `unix://${WORKLOAD_MOUNT}/${WORKLOAD_SOCKET}`

/** What a module is told. */
export interface ModuleEnvironmentOptions {
  readonly moduleId: string
  readonly generationId: string
  readonly deviceId: string
  /** The cloud hub's name: what tokens are signed for, also when a gateway stands between. */
  readonly hubHostName: string
  /** This gateway's name: where the module connects. */
  readonly gatewayHostName: string
  /** The gateway above this one, when there is one. */
  readonly parentHostName?: string | undefined
  /** @default CONTAINER_WORKLOAD_URI */
  readonly workloadUri?: string | undefined
  /** @default 'info' */
  readonly logLevel?: string | undefined
  /** `Amqp`, `AmqpWs`, `Mqtt`, `MqttWs`. @default not told */
  readonly upstreamProtocol?: string | undefined
  /** What the deployment says, `env` of the module. */
  readonly given?: Readonly<Record<string, string>> | undefined
}

/**
 * The environment of a user module, in the order of the original: what the deployment gives, then what the gateway adds.
 * With it `ModuleClient.fromEnvironment` of the SDKs connects unchanged. Source: agent reference, section 6.3.
 *
 * @throws `MODULE_ENVIRONMENT_CONFLICT` when the deployment gives a variable that is the gateway's to give
 */
export function moduleEnvironment(options: ModuleEnvironmentOptions): Readonly<Record<string, string>> {
  const environment: Record<string, string> = { ...options.given }
  for (const [name, value] of Object.entries(injected(options))) {
    if (value === undefined) continue
    if (!Object.hasOwn(environment, name)) environment[name] = value
    else if (!SUGGESTED.has(name)) throw conflict(options.moduleId, name)
  }
  return environment
}

/** What a deployment may say otherwise. */
const SUGGESTED: ReadonlySet<string> = new Set(['RuntimeLogLevel', 'UpstreamProtocol'])

function injected(options: ModuleEnvironmentOptions): Readonly<Record<string, string | undefined>> {
  return {
    IOTEDGE_WORKLOADURI: options.workloadUri ?? CONTAINER_WORKLOAD_URI,
    IOTEDGE_AUTHSCHEME: 'sasToken',
    IOTEDGE_MODULEGENERATIONID: options.generationId,
    IOTEDGE_IOTHUBHOSTNAME: options.hubHostName,
    IOTEDGE_DEVICEID: options.deviceId,
    IOTEDGE_MODULEID: options.moduleId,
    IOTEDGE_GATEWAYHOSTNAME: options.gatewayHostName,
    IOTEDGE_PARENTHOSTNAME: options.parentHostName,
    RuntimeLogLevel: options.logLevel ?? 'info',
    UpstreamProtocol: options.upstreamProtocol,
    IOTEDGE_APIVERSION: LATEST_WORKLOAD_API_VERSION,
  }
}

function conflict(moduleId: string, name: string): EdgewrightError {
  return new EdgewrightError('MODULE_ENVIRONMENT_CONFLICT', `The deployment gives ${name}, which the gateway gives`, {
    place: `${moduleId}: env`,
    remedy: `Remove ${name} from the module's env.`,
  })
}
