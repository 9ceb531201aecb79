import type { ModuleSpecification } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { virtualClock } from '@edgewright/testkit'
import Docker from 'dockerode'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { CONFINED, DockerRuntime, ImageCleanup, ImageRules } from '../src/index.js'
import { engineMissing, importImage, NOWHERE, TEST_IMAGE } from './support/engine.js'

const missing = await engineMissing()
const engine = new Docker()
const name = `policy-${process.pid}`

function module(image: string, HostConfig: object = {}): ModuleSpecification {
  const createOptions = { Cmd: ['/bin/sleep', '1000'], HostConfig: { NetworkMode: 'none', ...HostConfig } }
  return { name, type: 'docker', settings: { image, createOptions }, environment: {} }
}

describe.sequential('a gateway with rules of its own', () => {
  let runtime: DockerRuntime | undefined

  beforeEach((context: TestContext) => {
    if (missing !== undefined) context.skip(missing)
  })

  afterEach(async () => {
    await runtime?.remove(name)
    await runtime?.stop()
    runtime = undefined
  })

  it('makes nothing that its policy forbids, before anything is fetched', async () => {
    runtime = new DockerRuntime({}, { privileges: CONFINED })
    await runtime.start()
    const forbidden = module(TEST_IMAGE, { Binds: ['/etc:/host'] })
    await expect(runtime.pull(forbidden)).rejects.toMatchObject({ code: 'MODULE_FORBIDDEN' })
    await expect(runtime.create(forbidden)).rejects.toThrow('HostConfig.Binds')
    await expect(engine.getContainer(name).inspect()).rejects.toMatchObject({ statusCode: 404 })
    await runtime.create(module(TEST_IMAGE))
    expect((await runtime.list()).map(module => module.name)).toContain(name)
  })

  it('makes nothing of an image that its rules refuse', async () => {
    runtime = new DockerRuntime({ verifier: new ImageRules({ rules: [{ from: 'registry.example' }] }) })
    await runtime.start()
    await expect(runtime.pull(module(TEST_IMAGE))).rejects.toMatchObject({ code: 'IMAGE_REFUSED' })
    await expect(runtime.create(module(TEST_IMAGE))).rejects.toMatchObject({ code: 'IMAGE_REFUSED' })
    await expect(engine.getContainer(name).inspect()).rejects.toMatchObject({ statusCode: 404 })
  })

  it('removes an image that modules were made from when nobody needs it any more, and no other', async () => {
    const repository = `${NOWHERE}/edgewright/cleanup-${process.pid}`
    await importImage(repository, { path: 'unique', mode: 0o644, content: Buffer.from(repository) })
    const { Id: id } = await engine.getImage(`${repository}:1`).inspect()
    const clock = virtualClock()
    const store = new MemoryStore()
    await store.start()
    runtime = new DockerRuntime()
    await runtime.start()
    let wanted = [`${repository}:1`]
    // Its own images only: other tests use the same engine at the same time.
    const shelf = {
      images: async () => (await runtime!.images()).filter(image => image.id === id),
      imagesOfModules: () => runtime!.imagesOfModules(),
      imageOf: (reference: string) => runtime!.imageOf(reference),
      removeImage: (image: string) => runtime!.removeImage(image),
    }
    const cleanup = new ImageCleanup({ shelf, store, wanted: () => wanted, clock })
    await runtime.create(module(`${repository}:1`))
    expect(await cleanup.clean()).toEqual([])
    await runtime.remove(name)
    await clock.advance(8 * 86_400_000)
    expect(await cleanup.clean()).toEqual([])
    wanted = []
    await clock.advance(8 * 86_400_000)
    expect(await cleanup.clean()).toEqual([id])
    await expect(engine.getImage(id).inspect()).rejects.toMatchObject({ statusCode: 404 })
    expect(await shelf.imageOf(`${repository}:1`)).toBeUndefined()
  })
})
