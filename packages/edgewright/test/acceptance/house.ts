import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Identity } from '@edgewright/core'
import { amqp, createGateway, type Gateway, https, iotHub, mqtt } from '../../src/index.js'
import { EDGE, startCloud, type TestCloud } from '../cloud.js'
import { CASES, type KindName, type WayName } from './differences.js'
import { Relay } from './relay.js'

/** The Azure SDK finds WebSockets on port 443 only, so each listener has a loopback address of its own. */
const ADDRESSES = { gateway: '127.4.1.1', cloud: '127.4.1.2' } as const
/** Two for each case, so that a cut concerns nobody else. */
const RELAYS = CASES.flatMap((_, index) => [`127.4.2.${2 * index + 1}`, `127.4.2.${2 * index + 2}`])
const PORTS = [8883, 5671, 443]
/** The device whose modules go straight to the cloud. */
const STANDALONE = 'standalone'

/** An identity made for a test. */
export interface Resident {
  readonly identity: Identity
  readonly connectionString: string
}

/** The cloud, a gateway in front of it, and whoever lives there. */
export class House implements AsyncDisposable {
  readonly #dataDir: string

  private constructor(
    readonly cloud: TestCloud,
    readonly gateway: Gateway,
    dataDir: string,
  ) {
    this.#dataDir = dataDir
  }

  /** @param routes - deployed to the gateway from the cloud, before it starts */
  static async open(routes: Readonly<Record<string, string>>): Promise<House> {
    const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-acceptance-'))
    const cloud = await startCloud(ADDRESSES.cloud, RELAYS)
    cloud.emulator.registry.createDevice({ deviceId: STANDALONE })
    const storeAndForwardConfiguration = { timeToLiveSecs: 7_200 }
    const desired = { schemaVersion: '1.1', routes, storeAndForwardConfiguration }
    cloud.emulator.twins.change({ deviceId: EDGE, moduleId: '$edgeHub' }, { desired }, 'merge')
    const address = ADDRESSES.gateway
    const gateway = createGateway({
      dataDir,
      hostname: address,
      alternativeNames: RELAYS,
      upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
      listen: [mqtt({ address }), amqp({ address }), https({ address })],
    })
    await gateway.start()
    return new House(cloud, gateway, dataDir)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.stop()
    await this.cloud[Symbol.asyncDispose]()
    await rm(this.#dataDir, { recursive: true })
  }

  /** Where clients connect to. */
  address(way: WayName): string {
    return ADDRESSES[way]
  }

  /** PEM that clients must trust. */
  trust(way: WayName): string {
    return way === 'gateway' ? this.gateway.trustBundle : this.cloud.ca
  }

  /** A relay to where clients connect to; each number is free for one at a time. */
  relay(way: WayName, number: number): Promise<Relay> {
    return Relay.open(RELAYS[number]!, ADDRESSES[way], PORTS)
  }

  /** Makes a device or module; one of that name may be there already. */
  resident(way: WayName, kind: KindName, name: string): Resident {
    const { emulator } = this.cloud
    const owner = way === 'gateway' ? EDGE : STANDALONE
    const identity = kind === 'device' ? { deviceId: name } : { deviceId: owner, moduleId: name }
    if (emulator.registry.find(identity) === undefined) {
      if (identity.moduleId !== undefined) emulator.registry.createModule(identity)
      else emulator.registry.createDevice({ deviceId: name, parentId: way === 'gateway' ? EDGE : undefined })
    }
    const { deviceId, moduleId } = identity
    const connectionString =
      moduleId === undefined
        ? emulator.deviceConnectionString(deviceId)
        : emulator.moduleConnectionString(deviceId, moduleId)
    return { identity, connectionString: `${connectionString};GatewayHostName=${ADDRESSES[way]}` }
  }

  /** Takes an identity's right to connect away, and sees that the gateway knows. */
  async revoke({ deviceId, moduleId }: Identity): Promise<void> {
    const { registry, methods } = this.cloud.emulator
    if (moduleId === undefined) registry.setStatus(deviceId, 'disabled')
    else registry.remove({ deviceId, moduleId })
    const refresh = { name: 'RefreshDeviceScopeIdentityCache', payload: { deviceIds: [deviceId] } }
    const call = { ...refresh, responseTimeout: 60_000, connectTimeout: 60_000 }
    await methods.invoke({ deviceId: EDGE, moduleId: '$edgeHub' }, call)
  }
}

/** Whether this process may listen on the protocols' own ports. */
export async function mayListen(): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(443, ADDRESSES.gateway)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
