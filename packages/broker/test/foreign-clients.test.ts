import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { testCertificates } from '@edgewright/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MqttFrontEnd } from '../src/index.js'
import { HUB_HOST, MemoryHost } from './memory-host.js'
import { token } from './raw-amqp-client.js'

const run = promisify(execFile)
const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined
const device = { deviceId: 'press-7' }

describe('the clients of mosquitto', () => {
  const { ca, cert, key } = testCertificates()
  const host = new MemoryHost([device])
  const frontEnd = new MqttFrontEnd({
    host,
    listen: { address: '127.0.0.1', port: 0 },
    tls: { certificate: cert, key },
  })
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edgewright-foreign-'))
    await writeFile(join(folder, 'ca.pem'), ca)
    await frontEnd.start()
  })

  beforeEach(context => context.skip(!hasMosquitto, 'mosquitto-clients is not installed'))

  afterAll(async () => {
    await frontEnd.stop()
    await rm(folder, { recursive: true })
  })

  function login(password = token(device)): string[] {
    const { address, port } = frontEnd.address()
    const server = ['-h', address, '-p', String(port), '--cafile', join(folder, 'ca.pem'), '-V', 'mqttv311']
    return [...server, '-i', 'press-7', '-u', `${HUB_HOST}/press-7/?api-version=2021-04-12`, '-P', password]
  }

  test('publish telemetry', async () => {
    const topic = 'devices/press-7/messages/events/%24.ct=text%2Fplain&unit=C'
    await run('mosquitto_pub', [...login(), '-q', '1', '-t', topic, '-m', '21.5'])
    expect(host.taken).toMatchObject([
      {
        sender: 'press-7',
        body: Buffer.from('21.5'),
        properties: new Map([['unit', 'C']]),
        system: { contentType: 'text/plain' },
      },
    ])
  })

  test('receive commands', async () => {
    const filter = 'devices/press-7/messages/devicebound/#'
    const received = run('mosquitto_sub', [...login(), '-q', '1', '-t', filter, '-C', '1', '-v'])
    await host.until(() => host.sessions.get('press-7')?.subscriptions.has('commands'))
    const settled = new Promise(settle => {
      const message = { body: Buffer.from('open'), properties: new Map([['door', '3']]), system: {} }
      host.session('press-7').peer.deliver([{ message, redelivered: false, settle }])
    })
    expect((await received).stdout).toBe('devices/press-7/messages/devicebound/door=3 open\n')
    expect(await settled).toBe('completed')
  })

  test('are told when they may not come in', async () => {
    const key = Buffer.from('other').toString('base64')
    const attempt = run('mosquitto_pub', [...login(token(device, { key })), '-t', 'x', '-m', 'x'])
    await expect(attempt).rejects.toMatchObject({ stderr: expect.stringContaining('not authorised') })
  })
})
