import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMessage } from '@edgewright/core'
import { createSasToken, formatSasAudience } from '@edgewright/protocol'
import { connect, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startCloud, type TestCloud } from './cloud.js'
import { type GatewayProcess, startGatewayProcess } from './gateway-process.js'

const DEVICE = { deviceId: 'leaf' }
/** Short, so that the cloud soon gives again what nobody settled. */
const LOCK = 300

let cloud: TestCloud
let dataDir: string
let gateway: GatewayProcess

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-commands-'))
  cloud = await startCloud(undefined, [], { commands: { lockDuration: LOCK } })
  cloud.device(DEVICE.deviceId)
  gateway = await start()
})

afterEach(async () => {
  await gateway.stop()
  await cloud[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})

it('a command that the gateway was killed over comes again, until it is completed', async () => {
  await using hesitant = listen('hold')
  send('open')
  await hesitant.received('open')
  await gateway.kill()
  expect(cloud.emulator.commands.count(DEVICE)).toBe(1)
  gateway = await start()
  await using willing = listen('complete')
  await willing.received('open')
  await expect.poll(() => cloud.emulator.commands.count(DEVICE)).toBe(0)
  expect(willing.texts).toEqual(['open'])
})

it('a command that its client went away over comes again, and so do those behind it', async () => {
  {
    await using hesitant = listen('hold')
    for (const text of ['1', '2', '3']) send(text)
    await hesitant.received('1')
  }
  await using willing = listen('complete')
  await willing.received('3')
  await expect.poll(() => cloud.emulator.commands.count(DEVICE)).toBe(0)
  expect([...willing.texts].sort()).toEqual(['1', '2', '3'])
})

it('a command that was completed does not come again, however the gateway ends', async () => {
  {
    await using client = listen('complete')
    send('once')
    await expect.poll(() => cloud.emulator.commands.count(DEVICE)).toBe(0)
    expect(client.texts).toEqual(['once'])
    await gateway.kill()
  }
  gateway = await start()
  await using client = listen('complete')
  send('next')
  await client.received('next')
  expect(client.texts).toEqual(['next'])
})

it('commands that were sent while the cloud was out of reach come when it is back', async () => {
  await using client = listen('complete')
  send('before')
  await client.received('before')
  cloud.emulator.cut()
  send('meanwhile')
  cloud.emulator.restore()
  await client.received('meanwhile')
  await expect.poll(() => cloud.emulator.commands.count(DEVICE)).toBe(0)
})

function start(): Promise<GatewayProcess> {
  const { connectionString, ca, ports } = cloud
  return startGatewayProcess({ dataDir, connectionString, ca, ports })
}

function send(body: string): void {
  cloud.emulator.commands.send(DEVICE, createMessage({ body }))
}

/** A client of the gateway that completes what it is given, or takes its time for ever. */
function listen(manner: 'complete' | 'hold') {
  const texts: string[] = []
  let onText: () => void = () => undefined
  const client: MqttClient = connect(`mqtts://${gateway.host}`, {
    ca: gateway.trustBundle,
    clientId: DEVICE.deviceId,
    username: `127.0.0.1/${DEVICE.deviceId}/?api-version=2021-04-12`,
    password: token(),
    protocolVersion: 4,
    reconnectPeriod: 0,
  })
  client.on('error', () => undefined)
  client.handleMessage = (packet, done) => {
    texts.push(packet.payload.toString())
    onText()
    if (manner === 'complete') done()
  }
  client.subscribe(`devices/${DEVICE.deviceId}/messages/devicebound/#`, { qos: 1 })
  return {
    texts,
    received: (text: string) =>
      new Promise<void>(resolve => {
        onText = () => texts.includes(text) && resolve()
        onText()
      }),
    async [Symbol.asyncDispose]() {
      await client.endAsync(true)
    },
  }
}

function token(): string {
  const key = /SharedAccessKey=([^;]+)/.exec(cloud.emulator.deviceConnectionString(DEVICE.deviceId))![1]!
  const resource = formatSasAudience('127.0.0.1', DEVICE)
  return createSasToken({ resource, expiresAt: Date.now() + 600_000, key })
}
