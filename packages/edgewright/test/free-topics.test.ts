import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashSecret, iotHub } from '../src/index.js'
import { startCloud, type TestCloud } from './cloud.js'
import { openDeviceClient, sdkMessage } from './device-client.js'
import { startGatewayProcess } from './gateway-process.js'
import { hallGateway } from './guide/free-topics.js'

const SECRET = 'a secret of the test'

describe('a gateway with free topics', () => {
  let cloud: TestCloud
  let dataDir: string
  const clients: MqttClient[] = []

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'edgewright-topics-'))
    cloud = await startCloud()
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    await cloud[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })

  async function plain(host: string, ca: string, options: Partial<IClientOptions>) {
    const login = { ca, password: SECRET, reconnectPeriod: 0, ...options }
    const client = connect(`mqtts://${host}`, login)
    clients.push(client)
    const received: string[] = []
    client.on('message', (topic, body) => received.push(`${topic} ${body}`))
    client.on('error', () => undefined)
    await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject))
    return { client, received }
  }

  test('does what the guide says', async () => {
    const guide = await readFile(new URL('../../../docs/guides/free-topics.md', import.meta.url), 'utf8')
    expect(guide).toContain(await readFile(new URL('guide/free-topics.ts', import.meta.url), 'utf8'))
    const { connectionString, ca, ports } = cloud
    const gateway = await hallGateway({ dataDir, upstream: iotHub({ connectionString, ca, ports }) }, SECRET)
    await gateway.start()
    const host = `127.0.0.1:${gateway.addresses[0]!.port}`
    const { client, received } = await plain(host, gateway.trustBundle, { username: 'meter', clientId: 'press-7' })
    for (const filter of ['#', 'hall/#', 'hall/press-7/secret']) {
      await expect(client.subscribeAsync(filter)).rejects.toThrow()
    }
    await client.subscribeAsync('hall/+/alarm', { qos: 1 })
    await client.publishAsync('hall/press-7/air', '{"celsius":29}', { qos: 1 })
    await client.publishAsync('hall/press-7/air', '{"celsius":31}', { qos: 1 })
    await expect.poll(() => received).toEqual(['hall/meter/alarm {"celsius":31}'])
    const device = await openDeviceClient(cloud.device('leaf', host), gateway.trustBundle)
    await device.sendEvent(sdkMessage('an IoT Hub client beside them'))
    await device.close()
    const closed = new Promise<void>(resolve => client.once('close', resolve))
    client.publish('hall/other/air', 'x', { qos: 1 })
    await closed
    await gateway.stop()
  })

  test('loses nothing that it acknowledged when it is killed, from topic to route to topic', {
    timeout: 60_000,
  }, async () => {
    const { connectionString, ca, ports } = cloud
    const operations = ['mqtt:connect', 'mqtt:publish', 'mqtt:subscribe'] as const
    const settings = {
      ...{ dataDir, connectionString, ca, ports },
      routes: {
        around: 'FROM /messages/modules/topics/outputs/there INTO BrokeredEndpoint("/modules/topics/inputs/back")',
      },
      topics: {
        accounts: [{ name: 'ann', secret: await hashSecret(SECRET) }],
        authorizations: [{ accounts: ['ann'], allow: [{ operations, resources: ['there', 'back'] }] }],
        bridge: {
          toRoutes: [{ topics: 'there', output: 'there' }],
          toTopics: [{ input: 'back', topic: 'back' }],
        },
      },
    }
    const first = await startGatewayProcess(settings)
    const reader = { username: 'ann', clientId: 'reader', clean: false }
    const { client: away } = await plain(first.host, first.trustBundle, reader)
    await away.subscribeAsync('back', { qos: 1 })
    await away.endAsync()
    const { client: writer } = await plain(first.host, first.trustBundle, { username: 'ann', clientId: 'writer' })
    const numbers = Array.from({ length: 500 }, (_, number) => number)
    await Promise.all(numbers.map(number => writer.publishAsync('there', String(number), { qos: 1 })))
    await first.kill()
    writer.end(true)
    const second = await startGatewayProcess(settings)
    const { received } = await plain(second.host, second.trustBundle, reader)
    await expect.poll(() => new Set(received).size).toBe(500)
    expect([...new Set(received)]).toEqual(numbers.map(number => `back ${number}`))
    await second.stop()
  })
})
