import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { EdgewrightError, type Identity, type IdentityRecord, type IdentitySource } from '@edgewright/core'
import {
  type CloudService,
  DeviceProvisioner,
  ModuleIdentities,
  ModuleRegistry,
  type ProvisionedDevice,
  type ProvisionerOptions,
  type ProvisioningSource,
  type RegistryCredential,
  signSasToken,
} from '@edgewright/security'
import {
  IotHubIdentitySource,
  IotHubUpstream,
  type IotHubUpstreamOptions,
  type IotHubUpstreamTuning,
  proxyAgent,
} from '@edgewright/upstream'
import type { CloudPart, GatewayContext } from '../context.js'
import { EDGE_HUB, IdentityTokens } from '../identity-tokens.js'
import { Reinstatement } from '../reinstatement.js'

/** How to reach an Azure IoT hub, and who this gateway is there. */
export interface IotHubOptions
  extends IotHubUpstreamTuning,
    Pick<IotHubUpstreamOptions, 'ca' | 'transports' | 'proxy' | 'dailyBudget'> {
  /** Of an edge device, with its SharedAccessKey. Give this or `provisioning`. */
  readonly connectionString?: string | undefined
  /** By a certificate, or by the Device Provisioning Service, which says which hub it is. */
  readonly provisioning?: ProvisioningSource | undefined
  /** When the provisioning service is asked, besides when the hub refuses this device. @default 'once' */
  readonly ask?: ProvisionerOptions['ask']
  /**
   * Whether the keys of this device's modules, `$edgeHub` among them, are those of the registry, or derived here and
   * told to the registry. @default 'fetched' for a device with a key, 'derived' for one with a certificate
   */
  readonly moduleKeys?: 'fetched' | 'derived' | undefined
  /** Ports of the hub, where they are not the protocols' own. */
  readonly ports?: (IotHubUpstreamOptions['ports'] & { readonly https?: number | undefined }) | undefined
}

/** Name of the key in the ring that the keys of modules are derived from. */
const MASTER_KEY = 'modules'
const MASTER_KEY_BYTES = 32
/** Milliseconds that a token for one call of the registry lasts. */
const CALL_LIFETIME = 600_000

/**
 * Azure IoT Hub as the cloud: over AMQP, or AMQP by WebSocket where only web traffic passes, unless `transports` says
 * otherwise.
 *
 * @throws on start, what `DeviceProvisioner.provision` throws: `CONNECTION_STRING_INVALID`, `PROVISIONING_REFUSED`, …
 */
export function iotHub(options: IotHubOptions): CloudPart {
  const { connectionString, provisioning, ask, moduleKeys, ports, ...tuning } = options
  return async context => {
    const { ca, proxy } = tuning
    const agent = proxy === undefined ? undefined : proxyAgent(proxy)
    const source = reachable(provisioning ?? { kind: 'connectionString', connectionString: connectionString ?? '' }, {
      ...{ ca, agent },
    })
    const provisioner = new DeviceProvisioner(
      { ...context, sealer: context.sealer('provisioning') },
      { source, file: join(context.dataDir, 'keys', 'assignment.sealed'), ask },
    )
    const device = await provisioner.provision(context.signal)
    const { hubHostName: host, deviceId, gatewayHostName: gatewayHost } = device
    const service = { host: gatewayHost ?? host, port: ports?.https, ca, agent }
    const modules = await moduleIdentities(context, device, service, moduleKeys)
    const tokens = new IdentityTokens({ ...context, device, modules })
    const { signal, clock, logger, meter } = context
    const moved = () => context.restart('this device belongs to another hub now')
    const reinstatement = new Reinstatement({ provisioner, modules, device, clock, logger, signal, moved })
    const refused = reinstatement.refused.bind(reinstatement)
    const hub = { host, gatewayHost, token: tokens.token.bind(tokens), clock, logger, meter }
    const self = { deviceId, moduleId: EDGE_HUB }
    const registry = new IotHubIdentitySource({ ...hub, ca, proxy, port: ports?.https, deviceId })
    return {
      deviceId,
      hostName: host,
      trustBundle: device.trustBundle,
      deviceCertificate: device.credential.kind === 'certificate' ? device.credential.certificate : undefined,
      modules,
      upstream: new IotHubUpstream({
        ...{ ...tuning, ...hub, self, onUnauthorized: refused },
        onBehalf: identity => hasCertificate(context.findIdentity(identity)),
        ports: { webSocket: ports?.https, ...ports },
      }),
      identities: watched(registry, () => refused(self)),
      reprovision: reinstatement.reprovision.bind(reinstatement),
    }
  }
}

/** A source whose service is reached as the hub is, where it says nothing else. */
function reachable(source: ProvisioningSource, by: Pick<CloudService, 'ca' | 'agent'>): ProvisioningSource {
  return source.kind === 'dps' ? { ...source, ca: source.ca ?? by.ca, agent: source.agent ?? by.agent } : source
}

async function moduleIdentities(
  { keys, sealer, dataDir, clock, logger }: GatewayContext,
  device: ProvisionedDevice,
  service: CloudService,
  moduleKeys: IotHubOptions['moduleKeys'] = device.credential.kind === 'key' ? 'fetched' : 'derived',
): Promise<ModuleIdentities> {
  if (moduleKeys === 'derived' && !keys.has(MASTER_KEY)) await keys.put(MASTER_KEY, randomBytes(MASTER_KEY_BYTES))
  const credential = registryCredential(device, () => clock.now() + CALL_LIFETIME)
  const registry = new ModuleRegistry({ ...service, deviceId: device.deviceId, credential, clock })
  return ModuleIdentities.open(
    { registry, keys, sealer: sealer('modules'), logger },
    {
      file: join(dataDir, 'keys', 'modules.sealed'),
      hubHostName: device.hubHostName,
      deriveFrom: moduleKeys === 'derived' ? { signer: keys, keyId: MASTER_KEY } : undefined,
    },
  )
}

function registryCredential({ credential, ...device }: ProvisionedDevice, expiry: () => number): RegistryCredential {
  if (credential.kind === 'certificate') return credential
  const { signer, keyId } = credential
  const { hubHostName: host, deviceId } = device
  return {
    kind: 'token',
    token: signal => signSasToken(signer, { host, identity: { deviceId }, keyId, expiresAt: expiry() }, signal),
  }
}

/** Whether an identity has no key that its gateway could sign with for it. */
function hasCertificate(record: IdentityRecord | undefined): boolean {
  const type = record?.authentication.type
  return type === 'thumbprint' || type === 'certificateAuthority'
}

/** The same source; tells when the cloud does not let this gateway ask. */
function watched(source: IdentitySource, refused: () => void): IdentitySource {
  const notice = (error: unknown) => {
    if (EdgewrightError.is(error, 'UPSTREAM_UNAUTHORIZED') || EdgewrightError.is(error, 'UPSTREAM_REFUSED')) refused()
    throw error
  }
  return {
    async *list(signal?: AbortSignal) {
      try {
        yield* source.list(signal)
      } catch (error) {
        notice(error)
      }
    },
    get: (identity: Identity, signal?: AbortSignal) => source.get(identity, signal).catch(notice),
  }
}
