import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createGateway, iotHub } from '../src/index.js'
import { EDGE, startCloud } from './cloud.js'

it('takes its routes from what the cloud deploys to $edgeHub, and reports', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-deployment-'))
  await using cloud = await startCloud()
  const upstream = iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports })
  await using gateway = createGateway({ dataDir, upstream })
  await gateway.start()
  expect(gateway.hub.routes).toEqual(['upstream'])
  const hub = { deviceId: EDGE, moduleId: '$edgeHub' }
  const routes = { hot: 'FROM /messages/* WHERE level = "hot" INTO $upstream', bad: 'FROM here INTO there' }
  const storeAndForwardConfiguration = { timeToLiveSecs: 7_200 }
  cloud.emulator.twins.change(hub, { desired: { schemaVersion: '1.1', routes, storeAndForwardConfiguration } }, 'merge')
  const { reported } = await cloud.emulator.twins.until(
    hub,
    ({ reported: { properties } }) => (properties.lastDesiredStatus as { code?: number } | undefined)?.code === 400,
  )
  expect(JSON.stringify(reported.properties.lastDesiredStatus)).toContain('routes.bad')
  expect(gateway.hub.routes).toEqual(['hot'])
  await gateway.stop()
  await rm(dataDir, { recursive: true })
})
