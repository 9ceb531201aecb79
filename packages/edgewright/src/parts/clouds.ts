import { EdgewrightError } from '@edgewright/core'
import { parseConnectionString } from '@edgewright/protocol'
import { IotHubIdentitySource, IotHubUpstream, type IotHubUpstreamTuning } from '@edgewright/upstream'
import type { CloudPart } from '../context.js'
import { IdentityTokens } from '../identity-tokens.js'

/** How to reach an Azure IoT hub. */
export interface IotHubOptions extends IotHubUpstreamTuning {
  /** Of an edge device, with its SharedAccessKey. */
  readonly connectionString: string | undefined
  /** PEM of authorities to trust besides the public ones. */
  readonly ca?: string | undefined
  /** @default amqp 5671, https 443 */
  readonly ports?: { readonly amqp?: number | undefined; readonly https?: number | undefined } | undefined
}

/**
 * Azure IoT Hub as the cloud, over AMQP.
 *
 * @throws on start, `CONNECTION_STRING_INVALID`
 */
export function iotHub({ connectionString, ca, ports, ...tuning }: IotHubOptions): CloudPart {
  return async context => {
    const { hostName, deviceId, key, gatewayHostName } = edgeDevice(connectionString)
    const { clock, logger, meter } = context
    const tokens = new IdentityTokens(context, {
      host: hostName,
      dial: gatewayHostName,
      httpsPort: ports?.https,
      ca,
      deviceId,
    })
    await tokens.takeDeviceKey(key)
    const token = tokens.token.bind(tokens)
    const hub = { host: hostName, gatewayHost: gatewayHostName, ca, token, clock, logger, meter }
    return {
      deviceId,
      hostName,
      upstream: new IotHubUpstream({ ...tuning, ...hub, ports: { amqp: ports?.amqp } }),
      identities: new IotHubIdentitySource({ ...hub, port: ports?.https, deviceId }),
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
