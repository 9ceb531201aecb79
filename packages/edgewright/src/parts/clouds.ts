import { EdgewrightError } from '@edgewright/core'
import { parseConnectionString } from '@edgewright/protocol'
import {
  IotHubIdentitySource,
  IotHubUpstream,
  type IotHubUpstreamOptions,
  type IotHubUpstreamTuning,
} from '@edgewright/upstream'
import type { CloudPart } from '../context.js'
import { IdentityTokens } from '../identity-tokens.js'

/** How to reach an Azure IoT hub. */
export interface IotHubOptions
  extends IotHubUpstreamTuning,
    Pick<IotHubUpstreamOptions, 'ca' | 'transports' | 'proxy' | 'dailyBudget'> {
  /** Of an edge device, with its SharedAccessKey. */
  readonly connectionString: string | undefined
  /** Ports of the hub, where they are not the protocols' own. */
  readonly ports?: (IotHubUpstreamOptions['ports'] & { readonly https?: number | undefined }) | undefined
}

/**
 * Azure IoT Hub as the cloud: over AMQP, or AMQP by WebSocket where only web traffic passes, unless `transports` says
 * otherwise.
 *
 * @throws on start, `CONNECTION_STRING_INVALID`
 */
export function iotHub({ connectionString, ports, ...options }: IotHubOptions): CloudPart {
  return async context => {
    const { hostName, deviceId, key, gatewayHostName } = edgeDevice(connectionString)
    const { clock, logger, meter } = context
    const { ca, proxy } = options
    const keys = { host: hostName, dial: gatewayHostName, httpsPort: ports?.https, ca, deviceId }
    const tokens = new IdentityTokens(context, keys)
    await tokens.takeDeviceKey(key)
    const token = tokens.token.bind(tokens)
    const hub = { host: hostName, gatewayHost: gatewayHostName, token, clock, logger, meter }
    const self = { deviceId, moduleId: '$edgeHub' }
    return {
      deviceId,
      hostName,
      upstream: new IotHubUpstream({ ...options, ...hub, ports: { webSocket: ports?.https, ...ports }, self }),
      identities: new IotHubIdentitySource({ ...hub, ca, proxy, port: ports?.https, deviceId }),
    }
  }
}

function edgeDevice(connectionString: string | undefined) {
  const parsed = parseConnectionString(connectionString ?? '')
  if (parsed.kind !== 'identity' || parsed.identity.moduleId !== undefined || parsed.credential.kind !== 'key') {
    throw new EdgewrightError('CONNECTION_STRING_INVALID', 'A gateway needs the connection string of an edge device', {
      remedy: 'Copy it from the registry; it looks like HostName=…;DeviceId=…;SharedAccessKey=….',
    })
  }
  const { hostName, identity, credential, gatewayHostName } = parsed
  return { hostName, deviceId: identity.deviceId, key: credential.key, gatewayHostName }
}
