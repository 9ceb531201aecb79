import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createGateway, iotHub, mqtt } from '../src/index.js'
import { openAzureClient, report } from './azure-clients.js'
import { startCloud } from './cloud.js'

it('no twin can be read from the disk, whether it came from the cloud or waits to go there', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-at-rest-'))
  await using cloud = await startCloud()
  const { connectionString, ca, ports, emulator } = cloud
  const gateway = createGateway({
    dataDir,
    upstream: iotHub({ connectionString, ca, ports }),
    listen: [mqtt({ address: '127.0.0.1', port: 0 })],
  })
  await gateway.start()
  const host = `127.0.0.1:${gateway.addresses[0]!.port}`
  const client = await openAzureClient(cloud.device('leaf', host), 'mqtt', gateway.trustBundle)
  emulator.twins.change({ deviceId: 'leaf' }, { desired: { code: 'needle-desired' } }, 'merge')
  const twin = await client.getTwin()
  expect(twin.properties.desired.code).toBe('needle-desired')
  const offline = new Promise(resolve => gateway.once('connectivity', resolve))
  emulator.cut()
  await offline
  await report(twin, { state: 'needle-reported' })
  await client.close()
  await gateway.stop()
  const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const contents = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')))
  expect(contents.some(content => content.includes('leaf'))).toBe(true)
  expect(contents.filter(content => content.includes('needle'))).toEqual([])
  await rm(dataDir, { recursive: true })
})
