import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DerivationKey, KeyRing, ModuleIdentities, ModuleRegistry, SealingKey } from '../src/index.js'
import { deviceToken, startCloud, type TestCloud } from './support/cloud.js'

const EDGE = 'press#7'

let cloud: TestCloud
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-identities-'))
  cloud = await startCloud()
  cloud.emulator.registry.createDevice({ deviceId: EDGE, capabilities: { iotEdge: true } })
})
afterEach(async () => {
  await cloud[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function registry(): ModuleRegistry {
  const credential = { kind: 'token', token: () => deviceToken(cloud.emulator, EDGE) } as const
  return new ModuleRegistry({ ...cloud.service, deviceId: EDGE, credential })
}

/** Identities as a program would open them, again and again over the same files. */
async function open(deriveFrom?: DerivationKey) {
  const sealing = await SealingKey.open(join(folder, 'sealing.key'))
  const keys = await KeyRing.open({ file: join(folder, 'keys'), sealer: sealing.sealer('keys') })
  const file = join(folder, 'modules')
  const parts = { registry: registry(), keys, sealer: sealing.sealer('modules') }
  return { file, keys, identities: await ModuleIdentities.open(parts, { file, deriveFrom }) }
}

function inCloud(moduleId: string) {
  const entry = cloud.emulator.registry.find({ deviceId: EDGE, moduleId })
  if (entry?.authentication.type !== 'symmetricKey') return undefined
  return { generationId: entry.generationId, managedBy: entry.managedBy, key: entry.authentication.primaryKey }
}

const data = Buffer.from('what a module signs')
const signatureOf = (key: string) => createHmac('sha256', Buffer.from(key, 'base64')).update(data).digest()

describe('the registry of modules', () => {
  it('makes, shows, changes, lists and removes', async () => {
    const modules = registry()
    expect(await modules.get('sensor')).toBeUndefined()
    const made = await modules.create('sensor')
    expect(made).toMatchObject({ moduleId: 'sensor', managedBy: 'IotEdge', authentication: { type: 'symmetricKey' } })
    expect(await modules.create('sensor')).toEqual(made)
    expect(await modules.get('sensor')).toEqual(made)
    const keys = { primaryKey: 'cHJpbWFyeQ==', secondaryKey: 'c2Vjb25kYXJ5' }
    const changed = await modules.setKeys('sensor', keys)
    expect(changed).toEqual({ ...made, authentication: { type: 'symmetricKey', ...keys } })
    expect((await modules.list()).map(({ moduleId }) => moduleId)).toEqual(['$edgeAgent', '$edgeHub', 'sensor'])
    await modules.remove('sensor')
    await modules.remove('sensor')
    expect(await modules.get('sensor')).toBeUndefined()
  })

  it('tells a refusal from a service that is away', async () => {
    const credential = { kind: 'token', token: () => 'SharedAccessSignature sr=x&sig=eA%3D%3D&se=1' } as const
    const stranger = new ModuleRegistry({ ...cloud.service, deviceId: EDGE, credential })
    await expect(stranger.list()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED', place: `127.0.0.1: ${EDGE}` })
    await cloud.emulator.stop()
    await expect(registry().get('sensor')).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
  })

  it('gives up when it is told to', async () => {
    const stopping = new Error('stopping')
    await expect(registry().list(AbortSignal.abort(stopping))).rejects.toBe(stopping)
  })
})

describe('identities of modules', () => {
  it('are made before their modules run, and sign with the keys of the registry', async () => {
    const { identities, keys } = await open()
    const outcomes = await identities.provide(['$edgeHub', 'sensor', 'filter'])
    for (const { moduleId, identity, error } of outcomes) {
      const { generationId, key } = inCloud(moduleId)!
      expect(error).toBeUndefined()
      expect(identity).toEqual(identities.find(moduleId))
      expect(identity!.generationId).toBe(generationId)
      expect(await keys.sign(identity!.keyId, data)).toEqual(signatureOf(key))
    }
    expect(inCloud('sensor')!.managedBy).toBe('IotEdge')
  })

  it('are there without a link, for those who had one', async () => {
    await (await open()).identities.provide(['sensor'])
    await cloud.emulator.stop()
    const { identities, keys } = await open()
    const [sensor, late] = await identities.provide(['sensor', 'late'])
    expect(sensor).toMatchObject({ identity: identities.find('sensor'), error: { code: 'REGISTRY_UNAVAILABLE' } })
    expect(late).toMatchObject({ identity: undefined, error: { code: 'REGISTRY_UNAVAILABLE' } })
    expect(await keys.sign(sensor!.identity!.keyId, data)).toBeInstanceOf(Buffer)
  })

  it('follow the cloud when it has made one again, and forget the old key', async () => {
    const { identities, keys } = await open()
    await identities.provide(['sensor'])
    const old = identities.find('sensor')!
    cloud.emulator.registry.remove({ deviceId: EDGE, moduleId: 'sensor' })
    cloud.emulator.registry.createModule({ deviceId: EDGE, moduleId: 'sensor' })
    const [outcome] = await identities.provide(['sensor'])
    expect(outcome!.identity!.generationId).toBe(inCloud('sensor')!.generationId)
    expect(keys.has(old.keyId)).toBe(false)
    expect(await keys.sign(outcome!.identity!.keyId, data)).toEqual(signatureOf(inCloud('sensor')!.key))
  })

  it('follow the cloud when it has changed a key', async () => {
    const { identities, keys } = await open()
    await identities.provide(['sensor'])
    const authentication = { type: 'symmetricKey', primaryKey: 'bmV3', secondaryKey: '' } as const
    cloud.emulator.registry.update({ deviceId: EDGE, moduleId: 'sensor' }, { authentication })
    await identities.provide(['sensor'])
    expect(await keys.sign(identities.find('sensor')!.keyId, data)).toEqual(signatureOf('bmV3'))
  })

  it('get keys when they have none that a token could be signed with', async () => {
    const authentication = { type: 'thumbprint', primary: '00', secondary: '' } as const
    cloud.emulator.registry.createModule({ deviceId: EDGE, moduleId: 'sensor', authentication })
    const { identities, keys } = await open()
    await identities.provide(['sensor'])
    expect(await keys.sign(identities.find('sensor')!.keyId, data)).toEqual(signatureOf(inCloud('sensor')!.key))
  })

  it('are removed in the cloud when their modules are gone, and here', async () => {
    const { identities, keys } = await open()
    const [outcome] = await identities.provide(['sensor', 'filter'])
    await identities.retire(['sensor'])
    expect(inCloud('sensor')).toBeUndefined()
    expect(inCloud('filter')).toBeDefined()
    expect(identities.find('sensor')).toBeUndefined()
    expect(keys.has(outcome!.identity!.keyId)).toBe(false)
    expect((await open()).identities.find('sensor')).toBeUndefined()
    expect((await open()).identities.find('filter')).toBeDefined()
  })

  it('of others stay in the cloud, and so do those of the system', async () => {
    cloud.emulator.registry.createModule({ deviceId: EDGE, moduleId: 'theirs', managedBy: 'somebody' })
    const { identities } = await open()
    await identities.provide(['theirs', '$edgeHub'])
    await identities.retire(['theirs', '$edgeHub', 'never there'])
    expect(inCloud('theirs')).toBeDefined()
    expect(inCloud('$edgeHub')).toBeDefined()
    expect(identities.find('theirs')).toBeUndefined()
  })

  it('stay until the cloud could be told', async () => {
    const { identities } = await open()
    await identities.provide(['sensor'])
    await cloud.emulator.stop()
    const [outcome] = await identities.retire(['sensor'])
    expect(outcome).toMatchObject({ identity: identities.find('sensor'), error: { code: 'REGISTRY_UNAVAILABLE' } })
  })

  it('that fail hold no other up', async () => {
    const { identities } = await open()
    const [bad, good] = await identities.provide(['not an id', 'sensor'])
    expect(bad).toMatchObject({ identity: undefined, error: { code: 'REGISTRY_REFUSED' } })
    expect(good).toMatchObject({ identity: { generationId: inCloud('sensor')!.generationId }, error: undefined })
  })

  it("have keys derived from the device's, told to the cloud, when that is wished", async () => {
    const master = Buffer.from('the key of the device')
    const { keys: ring } = await open()
    await ring.put('device', master)
    const { identities, keys } = await open({ signer: ring, keyId: 'device' })
    await identities.provide(['sensor'])
    const { generationId, key } = inCloud('sensor')!
    expect(key).toBe(createHmac('sha256', master).update(`sensor:${generationId}:primary`).digest('base64'))
    expect(await keys.sign(identities.find('sensor')!.keyId, data)).toEqual(signatureOf(key))
    const [again] = await identities.provide(['sensor'])
    expect(again!.error).toBeUndefined()
  })

  it('are kept where nobody else can read them', async () => {
    const { identities, file } = await open()
    await identities.provide(['sensor'])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'latin1')).not.toContain('sensor')
    expect(await readFile(join(folder, 'keys'), 'latin1')).not.toContain(inCloud('sensor')!.key)
  })
})
