import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type Clock, type LogFields, systemClock } from '@edgewright/core'
import { parseSasToken, type SasToken, verifySasToken } from '@edgewright/protocol'
import { testCertificates, virtualClock } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  DeviceProvisioner,
  type DpsAttestation,
  deriveDeviceKey,
  KeyRing,
  type ProvisionedDevice,
  type ProvisionerOptions,
  type ProvisioningSource,
  SealingKey,
  signSasToken,
} from '../src/index.js'
import { startCloud, type TestCloud } from './support/cloud.js'

let cloud: TestCloud
let folder: string
let log: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-provisioning-'))
  cloud = await startCloud()
  log = []
})
afterEach(async () => {
  await cloud[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Does not wait the second that the service asks for. */
const hasty: Clock = {
  ...systemClock,
  after: (delay, callback) => systemClock.after(delay === 1_000 ? 0 : delay, callback),
}

/** A provisioner as a program would make it at each start, over the same files. */
async function started(
  source: ProvisioningSource,
  { clock = hasty, ...options }: Partial<ProvisionerOptions> & { clock?: Clock } = {},
): Promise<DeviceProvisioner> {
  const sealing = await SealingKey.open(join(folder, 'sealing.key'))
  const keys = await KeyRing.open({ file: join(folder, 'keys'), sealer: sealing.sealer('keys') })
  const logger = { log: (_: string, text: string, fields?: LogFields) => void log.push(`${text} ${inspect(fields)}`) }
  const parts = { keys, sealer: sealing.sealer('provisioning'), clock, logger }
  return new DeviceProvisioner(parts, { source, file: join(folder, 'device'), ...options })
}

function dps(attestation: DpsAttestation, rest: Partial<Extract<ProvisioningSource, { kind: 'dps' }>> = {}) {
  const { idScope } = cloud.emulator.provisioning
  return { kind: 'dps', ...cloud.service, idScope, registrationId: 'press-7', attestation, ...rest } as const
}

function enroll(): DpsAttestation & { kind: 'symmetricKey' } {
  const { attestation } = cloud.emulator.provisioning.enrollments.add({ registrationId: 'press-7', iotEdge: true })
  if (attestation.kind !== 'symmetricKey') throw new Error('no key')
  return { kind: 'symmetricKey', key: attestation.primaryKey }
}

/** Whether the hub lets somebody in who signs with a device's credential. */
async function isAccepted({ credential, deviceId, hubHostName }: ProvisionedDevice): Promise<boolean> {
  if (credential.kind !== 'key') return false
  const expiresAt = Date.now() + 3_600_000
  const token = await signSasToken(credential.signer, {
    ...{ host: hubHostName, identity: { deviceId }, keyId: credential.keyId, expiresAt },
  })
  const { registry } = cloud.emulator
  const { authentication } = registry.get({ deviceId })
  const keys = authentication.type === 'symmetricKey' ? [authentication.primaryKey] : []
  const expected = { hosts: [cloud.emulator.hostName], identities: [{ deviceId }], keys, now: Date.now() }
  return verifySasToken(parseSasToken(token) as SasToken, expected).valid
}

const where = { hubHostName: '127.0.0.1', deviceId: 'press-7' }

describe('the provisioning service', () => {
  const certificates = testCertificates({ commonName: 'press-7' })
  const own = { kind: 'certificate', certificate: certificates.cert, privateKey: certificates.key } as const

  it.each<[string, () => ReturnType<typeof dps> | Promise<ReturnType<typeof dps>>]>([
    ['the key of an individual enrollment', () => dps(enroll())],
    [
      'a key derived from that of a group',
      () => {
        const { attestation } = cloud.emulator.provisioning.enrollments.addGroup({ groupId: 'presses' })
        const key = attestation.kind === 'symmetricKey' ? attestation.primaryKey : ''
        return dps({ kind: 'symmetricKey', key: deriveDeviceKey(key, 'press-7') })
      },
    ],
    [
      'the key of a group, which derives its own',
      () => {
        const { attestation } = cloud.emulator.provisioning.enrollments.addGroup({ groupId: 'presses' })
        return dps({ kind: 'groupKey', key: attestation.kind === 'symmetricKey' ? attestation.primaryKey : '' })
      },
    ],
    [
      'a key that somebody else keeps',
      async () => {
        const sealing = await SealingKey.open(join(folder, 'tpm.key'))
        const signer = await KeyRing.open({ file: join(folder, 'tpm'), sealer: sealing.sealer('tpm') })
        await signer.put('identity', Buffer.from(enroll().key, 'base64'))
        return dps({ kind: 'signer', signer, keyId: 'identity' })
      },
    ],
  ])('assigns a device with %s, and is not needed for the next start', async (_case, enrolled) => {
    const source = await enrolled()
    const device = await (await started(source)).provision()
    expect(device).toMatchObject({ ...where, credential: { kind: 'key' } })
    expect(await isAccepted(device)).toBe(true)
    await cloud.emulator.stop()
    const offline = await (await started(source)).provision()
    expect(offline).toMatchObject({ ...where, credential: { kind: 'key' } })
    expect(await isAccepted(offline)).toBe(true)
  })

  it.each<[string, boolean]>([
    ['a certificate of its own', false],
    ["a certificate of a group's authority", true],
  ])('assigns a device with %s, and is not needed for the next start', async (_case, isGroup) => {
    const { enrollments } = cloud.emulator.provisioning
    if (isGroup)
      enrollments.addGroup({ groupId: 'presses', attestation: { kind: 'certificate', certificate: certificates.ca } })
    else
      enrollments.add({
        registrationId: 'press-7',
        attestation: { kind: 'certificate', certificate: certificates.cert },
      })
    const source = dps(own, { registrationId: undefined })
    expect(await (await started(source)).provision()).toMatchObject({ ...where, credential: own })
    expect(cloud.emulator.registry.get({ deviceId: 'press-7' }).authentication.type).toBe('thumbprint')
    await cloud.emulator.stop()
    expect(await (await started(source)).provision()).toMatchObject({ ...where, credential: own })
  })

  it('is asked once, or at each start; without a link the last answer counts', async () => {
    const source = dps(enroll())
    await (await started(source)).provision()
    cloud.emulator.registry.remove({ deviceId: 'press-7' })
    await (await started(source)).provision()
    expect(cloud.emulator.registry.find({ deviceId: 'press-7' })).toBeUndefined()
    await (await started(source, { ask: 'at-start' })).provision()
    expect(cloud.emulator.registry.find({ deviceId: 'press-7' })).toBeDefined()
    await cloud.emulator.stop()
    expect(await (await started(source, { ask: 'at-start' })).provision()).toMatchObject(where)
  })

  it('is asked again by those who are told to, who keep the old answer when there is none', async () => {
    const source = dps(enroll())
    await (await started(source)).provision()
    cloud.emulator.registry.remove({ deviceId: 'press-7' })
    const provisioner = await started(source)
    expect(await provisioner.reprovision()).toMatchObject(where)
    expect(cloud.emulator.registry.find({ deviceId: 'press-7' })).toBeDefined()
    await cloud.emulator.stop()
    await expect(provisioner.reprovision()).rejects.toMatchObject({ code: 'PROVISIONING_UNAVAILABLE' })
    expect(await provisioner.provision()).toMatchObject(where)
  })

  it('is asked again when what the operator says has changed', async () => {
    await (await started(dps(enroll()))).provision()
    const { enrollments } = cloud.emulator.provisioning
    const { attestation } = enrollments.add({ registrationId: 'press-8' })
    const key = attestation.kind === 'symmetricKey' ? attestation.primaryKey : ''
    const source = dps({ kind: 'symmetricKey', key }, { registrationId: 'press-8' })
    expect(await (await started(source)).provision()).toMatchObject({ deviceId: 'press-8' })
  })

  it('is asked again and again by a device that was never provisioned', async () => {
    const clock = virtualClock({ start: Date.now() })
    const source = dps(enroll())
    await cloud.emulator.stop()
    const provisioner = await started(source, { clock })
    const done = provisioner.provision()
    for (const delay of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      while (!clock.pending.includes(delay) || clock.pending.length > 1) await new Promise(setImmediate)
      await clock.advance(delay)
    }
    const stopping = new Error('stopping')
    const abort = new AbortController()
    const other = (await started(source, { clock })).provision(abort.signal)
    abort.abort(stopping)
    await expect(other).rejects.toBe(stopping)
    expect(log.filter(line => line.startsWith('Not provisioned now')).length).toBeGreaterThanOrEqual(6)
    expect(await Promise.race([done, 'still asking'])).toBe('still asking')
  })

  it('says no once and for all', async () => {
    const source = dps(enroll())
    await (await started(source)).provision()
    const { enrollments } = cloud.emulator.provisioning
    const [enrollment] = enrollments.candidates('press-7')
    enrollments.setEnabled(enrollment!, false)
    const refused = { code: 'PROVISIONING_REFUSED' }
    await expect((await started(source, { ask: 'at-start' })).provision()).rejects.toMatchObject(refused)
    await expect((await started(dps(enroll(), { idScope: '0ne9' }))).provision()).rejects.toMatchObject(refused)
  })

  it('tells what to trust', async () => {
    const { ca } = testCertificates()
    const { attestation } = cloud.emulator.provisioning.enrollments.add({
      registrationId: 'press-7',
      trustBundle: [ca],
    })
    const key = attestation.kind === 'symmetricKey' ? attestation.primaryKey : ''
    const source = dps({ kind: 'symmetricKey', key })
    expect((await (await started(source)).provision()).trustBundle).toBe(ca)
    expect((await (await started(source)).provision()).trustBundle).toBe(ca)
  })

  it('needs a registration id, or a certificate that names one', async () => {
    const invalid = { code: 'PROVISIONING_SOURCE_INVALID' }
    const nameless = dps(enroll(), { registrationId: undefined })
    await expect((await started(nameless)).provision()).rejects.toMatchObject(invalid)
    const unreadable = dps({ ...own, certificate: 'no PEM' }, { registrationId: undefined })
    await expect((await started(unreadable)).provision()).rejects.toMatchObject(invalid)
  })

  it('learns keys, and nobody else does', async () => {
    const { key } = enroll()
    const device = await (await started(dps({ kind: 'symmetricKey', key }))).provision()
    const files = await Promise.all((await readdir(folder)).map(name => readFile(join(folder, name), 'latin1')))
    for (const text of [...files, log.join('\n'), inspect(device, { depth: 9 })]) {
      expect(text).not.toContain(key)
      expect(text).not.toContain(Buffer.from(key, 'base64').toString('latin1'))
    }
  })
})

describe('by hand', () => {
  it('a connection string says everything, without a link', async () => {
    cloud.emulator.registry.createDevice({ deviceId: 'press-7' })
    const connectionString = `${cloud.emulator.deviceConnectionString('press-7')};GatewayHostName=hall.local`
    const device = await (await started({ kind: 'connectionString', connectionString })).provision()
    expect(device).toMatchObject({ ...where, gatewayHostName: 'hall.local', credential: { kind: 'key' } })
    expect(await isAccepted(device)).toBe(true)
    expect(await (await started({ kind: 'connectionString', connectionString })).reprovision()).toMatchObject(where)
  })

  it('so do a hub, a device and its certificate', async () => {
    const { cert: certificate, key: privateKey } = testCertificates()
    const credential = { kind: 'certificate', certificate, privateKey } as const
    const device = await (await started({ ...credential, ...where })).provision()
    expect(device).toEqual({ ...where, credential })
  })

  it.each([
    'HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=a2V5',
    'HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=a2V5',
    'HostName=h;DeviceId=d;x509=true',
    'HostName=h',
  ])('%s is no connection string of a device with a key', async connectionString => {
    const invalid = { code: 'CONNECTION_STRING_INVALID' }
    const provisioner = await started({ kind: 'connectionString', connectionString })
    await expect(provisioner.provision()).rejects.toMatchObject(invalid)
  })
})
