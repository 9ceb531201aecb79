import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deriveDeviceKey, type DpsAttestation, KeyRing, KeyServiceSigner, SealingKey } from '@edgewright/security'
import { testCertificates } from '@edgewright/testkit'
import { hasSoftHsm, startSoftHsm, WITHOUT_SOFT_HSM } from '@edgewright/testkit/security'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGateway, type Gateway, iotHub, type IotHubOptions, mqtt, type ProvisioningSource } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'
import { openDeviceClient, sdkMessage } from './device-client.js'

const service = fileURLToPath(new URL('../../../examples/pkcs11-key-service/pkcs11_key_service.py', import.meta.url))

let cloud: TestCloud
let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-provisioned-'))
  cloud = await startCloud()
})
afterEach(async () => {
  await cloud[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})

const certificates = testCertificates({ commonName: EDGE })
const own = { kind: 'certificate', certificate: certificates.cert, privateKey: certificates.key } as const

function gatewayWith(options: IotHubOptions): Gateway {
  const { ca, ports } = cloud
  return createGateway({
    dataDir,
    upstream: iotHub({
      ca,
      ports,
      reconnect: { first: 50, most: 100 },
      identityRetry: { first: 50, most: 100 },
      ...options,
    }),
    listen: [mqtt({ address: '127.0.0.1', port: 0 })],
  })
}

/** The provisioning service beside the emulator. */
function dps(attestation: DpsAttestation): ProvisioningSource {
  const { idScope } = cloud.emulator.provisioning
  const service = { host: cloud.emulator.address, port: cloud.ports.https }
  return { kind: 'dps', ...service, idScope, registrationId: EDGE, attestation }
}

/** A device behind the gateway sends one message through it. */
async function sendThrough(gateway: Gateway, body: string): Promise<void> {
  const deviceId = 'leaf'
  const { registry } = cloud.emulator
  if (registry.find({ deviceId }) === undefined) registry.createDevice({ deviceId, parentId: EDGE })
  const host = `127.0.0.1:${gateway.addresses[0]!.port}`
  const connectionString = `${cloud.emulator.deviceConnectionString(deviceId)};GatewayHostName=${host}`
  const client = await openDeviceClient(connectionString, gateway.trustBundle)
  await client.sendEvent(sdkMessage(body))
  await client.close()
}

async function arrived(count: number, at: TestCloud = cloud): Promise<string[]> {
  const events = await at.emulator.events.until(count, { where: ({ sender }) => sender.deviceId === 'leaf' })
  return events.map(({ message }) => Buffer.from(message.body).toString())
}

/** Nothing waits for the cloud any more. */
async function delivered(gateway: Gateway): Promise<void> {
  await expect.poll(() => gateway.status().queues.every(({ waiting }) => waiting === 0)).toBe(true)
}

function enroll(attestation?: { readonly kind: 'certificate'; readonly certificate: string }): string {
  const { enrollments } = cloud.emulator.provisioning
  const enrollment = enrollments.add({ registrationId: EDGE, iotEdge: true, attestation })
  return enrollment.attestation.kind === 'symmetricKey' ? enrollment.attestation.primaryKey : ''
}

function enrollGroup(): string {
  const { attestation } = cloud.emulator.provisioning.enrollments.addGroup({ groupId: 'presses', iotEdge: true })
  return attestation.kind === 'symmetricKey' ? attestation.primaryKey : ''
}

/** The device is not in the hub before the provisioning service puts it there. */
function unknown(): void {
  cloud.emulator.registry.remove({ deviceId: EDGE })
}

type Flow = () => IotHubOptions | Promise<IotHubOptions>

const flows: Readonly<Record<string, Flow>> = {
  'a connection string': () => ({ connectionString: cloud.connectionString }),
  'a connection string, with keys of modules derived here': () => ({
    connectionString: cloud.connectionString,
    moduleKeys: 'derived',
  }),
  'a certificate that is registered by its thumbprint': () => {
    const primary = new X509Certificate(certificates.cert).fingerprint256.replaceAll(':', '')
    const authentication = { type: 'thumbprint', primary, secondary: '' } as const
    cloud.emulator.registry.update({ deviceId: EDGE }, { authentication })
    return { provisioning: { ...own, hubHostName: cloud.emulator.hostName, deviceId: EDGE } }
  },
  'the key of an individual enrollment': () => {
    unknown()
    return { provisioning: dps({ kind: 'symmetricKey', key: enroll() }) }
  },
  'a key derived from that of a group': () => {
    unknown()
    return { provisioning: dps({ kind: 'symmetricKey', key: deriveDeviceKey(enrollGroup(), EDGE) }) }
  },
  'the key of a group': () => {
    unknown()
    return { provisioning: dps({ kind: 'groupKey', key: enrollGroup() }) }
  },
  'a key that a signer keeps': async () => {
    unknown()
    const sealing = await SealingKey.open(join(dataDir, 'tpm.key'))
    const signer = await KeyRing.open({ file: join(dataDir, 'tpm'), sealer: sealing.sealer('tpm') })
    await signer.put('identity', Buffer.from(enroll(), 'base64'))
    return { provisioning: dps({ kind: 'signer', signer, keyId: 'identity' }) }
  },
  'the certificate of an individual enrollment': () => {
    unknown()
    enroll({ kind: 'certificate', certificate: certificates.cert })
    return { provisioning: dps(own) }
  },
  "a certificate of a group's authority": () => {
    unknown()
    const attestation = { kind: 'certificate', certificate: certificates.ca } as const
    cloud.emulator.provisioning.enrollments.addGroup({ groupId: 'presses', iotEdge: true, attestation })
    return { provisioning: dps(own) }
  },
}

describe.each(Object.entries(flows))('a gateway provisioned by %s', (_name, flow) => {
  it('connects, and starts without a link from then on', async () => {
    const options = await flow()
    const first = gatewayWith(options)
    await first.start()
    expect(first.deviceId).toBe(EDGE)
    await sendThrough(first, 'online')
    expect(await arrived(1)).toEqual(['online'])
    await delivered(first)
    await first.stop()

    cloud.emulator.cut()
    await using second = gatewayWith(options)
    await second.start()
    await sendThrough(second, 'offline')
    await expect.poll(() => second.status().connectivity.type).toBe('offline')
    cloud.emulator.restore()
    expect(await arrived(2)).toEqual(['online', 'offline'])
  })
})

describe('a gateway whose key is in a hardware security module', () => {
  beforeEach(context => context.skip(!hasSoftHsm(), WITHOUT_SOFT_HSM))

  it.each(['by hand', 'the provisioning service'])('is provisioned by %s, and has no key of its device', async way => {
    const { authentication } = cloud.emulator.registry.get({ deviceId: EDGE })
    const byHand = authentication.type === 'symmetricKey' ? authentication.primaryKey : ''
    if (way !== 'by hand') unknown()
    const key = Buffer.from(way === 'by hand' ? byHand : enroll(), 'base64')
    await using hsm = await startSoftHsm({ keys: new Map([['device', key]]), service })
    const credential = { signer: new KeyServiceSigner(hsm), keyId: 'device' }
    const provisioning: ProvisioningSource =
      way === 'by hand'
        ? { kind: 'signer', hubHostName: cloud.emulator.hostName, deviceId: EDGE, ...credential }
        : dps({ kind: 'signer', ...credential })
    await using gateway = gatewayWith({ provisioning })
    await gateway.start()
    await sendThrough(gateway, 'signed there')
    expect(await arrived(1)).toEqual(['signed there'])
    const sealing = await SealingKey.open(join(dataDir, 'keys', 'sealing.key'))
    const ring = await KeyRing.open({ file: join(dataDir, 'keys', 'keys.sealed'), sealer: sealing.sealer('keys') })
    expect(ring.has('device')).toBe(false)
  })
})

describe('a gateway that the hub does not know any more', () => {
  it('asks the provisioning service by itself, and goes on with what waits', async () => {
    unknown()
    await using gateway = gatewayWith({ provisioning: dps({ kind: 'symmetricKey', key: enroll() }) })
    await gateway.start()
    await sendThrough(gateway, 'before')
    await delivered(gateway)
    cloud.emulator.cut()
    await sendThrough(gateway, 'between')
    const { authentication } = cloud.emulator.registry.get({ deviceId: 'leaf' })
    unknown()
    cloud.emulator.registry.remove({ deviceId: 'leaf' })
    cloud.emulator.restore()
    await expect.poll(() => cloud.emulator.registry.find({ deviceId: EDGE })).toBeDefined()
    cloud.emulator.registry.createDevice({ deviceId: 'leaf', parentId: EDGE, authentication })
    expect(await arrived(2)).toEqual(['before', 'between'])
  })

  it('takes the keys that its module has now, when only those were changed', async () => {
    const options = { connectionString: cloud.connectionString }
    const first = gatewayWith(options)
    await first.start()
    await first.stop()
    cloud.emulator.registry.remove({ deviceId: EDGE, moduleId: '$edgeHub' })
    cloud.emulator.registry.createModule({ deviceId: EDGE, moduleId: '$edgeHub' })
    await using second = gatewayWith(options)
    await second.start()
    await sendThrough(second, 'again')
    expect(await arrived(1)).toEqual(['again'])
  })
})

describe('a gateway that is assigned to another hub', () => {
  it('takes what waits there', async () => {
    await using one = await startCloud('127.9.8.1')
    await using other = await startCloud('127.9.8.2')
    const { provisioning, registry } = one.emulator
    registry.remove({ deviceId: EDGE })
    other.emulator.registry.remove({ deviceId: EDGE })
    const enrollment = provisioning.enrollments.add({ registrationId: EDGE, iotEdge: true })
    const key = enrollment.attestation.kind === 'symmetricKey' ? enrollment.attestation.primaryKey : ''
    const source: ProvisioningSource = {
      kind: 'dps',
      ...{ host: one.emulator.address, idScope: provisioning.idScope, registrationId: EDGE },
      attestation: { kind: 'symmetricKey', key },
    }
    await using gateway = createGateway({
      dataDir,
      upstream: iotHub({ provisioning: source, ca: one.ca + other.ca }),
      listen: [mqtt({ address: '127.0.0.1', port: 0 })],
    })
    await gateway.start()
    const { authentication } = registry.createDevice({ deviceId: 'leaf', parentId: EDGE })
    const host = `127.0.0.1:${gateway.addresses[0]!.port}`
    const connectionString = `${one.emulator.deviceConnectionString('leaf')};GatewayHostName=${host}`
    const client = await openDeviceClient(connectionString, gateway.trustBundle)
    await client.sendEvent(sdkMessage('one'))
    await delivered(gateway)
    // The hub takes nothing any more, but the provisioning service beside it can be asked.
    one.emulator.faults.inject({ kind: 'throttle' })
    await client.sendEvent(sdkMessage('two'))
    await client.close()
    provisioning.enrollments.add({ ...enrollment, registrationId: EDGE, assignTo: other.emulator })
    const { registry: there } = other.emulator
    const stop = there.watch(({ kind, entry }) => {
      if (kind !== 'created' || entry.identity.deviceId !== EDGE || entry.identity.moduleId !== undefined) return
      queueMicrotask(() => there.createDevice({ deviceId: 'leaf', parentId: EDGE, authentication }))
    })
    expect(await gateway.reprovision()).toBe(true)
    expect(await arrived(1, other)).toEqual(['two'])
    stop()
    expect(await gateway.reprovision()).toBe(false)
  })
})

describe('a gateway that was never provisioned and finds no service', () => {
  it('can be stopped while it waits', async () => {
    const { provisioning } = cloud.emulator
    const attestation = { kind: 'symmetricKey', key: enroll() } as const
    cloud.emulator.cut()
    const nowhere = { kind: 'dps', host: '127.0.0.1', port: cloud.ports.https, idScope: provisioning.idScope } as const
    const gateway = gatewayWith({ provisioning: { ...nowhere, registrationId: EDGE, attestation } })
    const starting = gateway.start()
    await gateway.stop()
    await expect(starting).rejects.toMatchObject({ code: 'NOT_RUNNING' })
  })
})
