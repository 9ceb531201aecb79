import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ImageRule, ImageRules, OciRegistry } from '../src/index.js'
import { Registry } from './support/registry.js'

const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const edwards = generateKeyPairSync('ed25519')
const others = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

describe('signatures of images', () => {
  const registry = new Registry()
  let host: string

  beforeAll(async () => {
    host = await registry.start()
  })

  afterAll(() => registry.stop())

  function rules(more: Partial<ImageRule> = {}, password = registry.credential.password): ImageRules {
    const credentials = () => [{ ...registry.credential, password }]
    const keys = [pem(ours.publicKey), pem(edwards.publicKey)]
    const client = new OciRegistry({ credentials, insecure: [host] })
    return new ImageRules({ rules: [{ from: host, keys, ...more }], registry: client })
  }

  it.each([
    ['of an elliptic curve', ours],
    ['of an Edwards curve', edwards],
  ])('count when they were made with a key %s', async (name, { privateKey }) => {
    const repository = name.replaceAll(' ', '-').toLowerCase()
    const digest = registry.push(repository, '1', name)
    registry.sign(repository, digest, privateKey)
    expect(await rules().verify(`${host}/${repository}:1`)).toEqual({
      digest,
      evidence: `it comes from ${host}, signed by a key of this gateway`,
    })
    expect(await rules().verify(`${host}/${repository}@${digest}`)).toMatchObject({ digest })
  })

  it('are wanted anew when a tag comes to mean another image', async () => {
    registry.sign('moved', registry.push('moved', '1', 'before'), ours.privateKey)
    const image = `${host}/moved:1`
    await rules().verify(image)
    registry.push('moved', '1', 'after')
    await expect(rules().verify(image)).rejects.toMatchObject({ code: 'IMAGE_REFUSED', place: image })
  })

  it.each<[string, (digest: string) => void]>([
    ['there is none', () => undefined],
    ['another key made it', digest => registry.sign('app', digest, others.privateKey)],
    ['it is about another image', digest => registry.sign('app', digest, ours.privateKey, `sha256:${'0'.repeat(64)}`)],
  ])('do not count when %s', async (name, arrange) => {
    arrange(registry.push('app', '1', name))
    await expect(rules().verify(`${host}/app:1`)).rejects.toMatchObject({ code: 'IMAGE_REFUSED' })
    expect((await rules({ signatures: 'warn' }).verify(`${host}/app:1`)).evidence).toContain('not signed')
  })

  it('cannot be read without the right credentials, or from nowhere', async () => {
    registry.push('app', '1', 'any')
    await expect(rules({}, 'wrong').verify(`${host}/app:1`)).rejects.toMatchObject({ code: 'IMAGE_REGISTRY_FAILED' })
    const nowhere = new ImageRules({
      rules: [{ from: '127.0.0.1:1', keys: [pem(ours.publicKey)] }],
      registry: new OciRegistry({ insecure: ['127.0.0.1:1'] }),
    })
    await expect(nowhere.verify('127.0.0.1:1/app:1')).rejects.toMatchObject({ code: 'IMAGE_REGISTRY_FAILED' })
    await expect(rules().verify(`${host}/unknown:1`)).rejects.toMatchObject({ code: 'IMAGE_REFUSED' })
  })
})
