import { execFile, spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MemoryStore } from '@edgewright/store-memory'
import { testCertificates } from '@edgewright/testkit'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FreeTopics, HttpsFrontEnd, hashSecret, MqttFrontEnd } from '../src/index.js'
import { MemoryHost } from './memory-host.js'

const run = promisify(execFile)
const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined
const SECRET = 'a secret'

const server = testCertificates()
const device = testCertificates({ commonName: 'meter' })
const listen = { address: '127.0.0.1', port: 0 }
const tls = { certificate: server.cert, key: server.key }
const store = new MemoryStore()
const host = new MemoryHost([])
let topics: FreeTopics
let frontEnd: MqttFrontEnd
let https: HttpsFrontEnd

async function start(): Promise<void> {
  topics = new FreeTopics({
    store,
    accounts: [
      { name: 'ann', secret: await hashSecret(SECRET) },
      { name: 'meter', certificates: [new X509Certificate(device.cert).fingerprint256] },
    ],
    authorizations: [
      {
        accounts: ['{{mqtt:username}}'],
        allow: [{ operations: ['mqtt:connect', 'mqtt:publish', 'mqtt:subscribe'], resources: ['open/#'] }],
      },
    ],
  })
  await topics.start()
  frontEnd = new MqttFrontEnd({ host, topics, listen, tls })
  https = new HttpsFrontEnd({ host, topics, listen, tls })
  await frontEnd.start()
  await https.start()
}

async function stop(): Promise<void> {
  await Promise.all([frontEnd.stop(), https.stop()])
  await topics.stop()
}

beforeAll(async () => {
  await store.start()
  await start()
})

afterAll(async () => {
  await stop()
  await store.stop()
})

describe('the clients of mosquitto on free topics', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edgewright-topics-'))
    await writeFile(join(folder, 'ca.pem'), server.ca)
    await writeFile(join(folder, 'cert.pem'), device.cert)
    await writeFile(join(folder, 'key.pem'), device.key)
  })

  beforeEach(context => context.skip(!hasMosquitto, 'mosquitto-clients is not installed'))

  afterAll(() => rm(folder, { recursive: true }))

  function at(id: string, login = ['-u', 'ann', '-P', SECRET]): string[] {
    const { address, port } = frontEnd.address()
    const dial = ['-h', address, '-p', String(port), '--cafile', join(folder, 'ca.pem'), '-V', 'mqttv311']
    return [...dial, '-i', id, ...login]
  }

  /** A subscriber, once it is subscribed. */
  async function subscriber(id: string, ...options: readonly string[]) {
    const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...at(id), '-d', '-v', ...options])
    let output = ''
    child.stdout.on('data', chunk => (output += chunk))
    await expect.poll(() => output).toContain('Subscribed')
    const lines = () => output.split('\n').filter(line => line.startsWith('open/'))
    return { child, lines, ended: once(child, 'exit') }
  }

  test.each(['0', '1', '2'])('publish and receive with QoS %s', async qos => {
    const { lines, ended } = await subscriber('reader', '-q', qos, '-t', 'open/#', '-C', '2')
    await run('mosquitto_pub', [...at('writer'), '-q', qos, '-t', 'open/a', '-m', 'one'])
    await run('mosquitto_pub', [...at('writer'), '-q', qos, '-t', 'open/b', '-m', 'two'])
    await ended
    expect(lines()).toEqual(['open/a one', 'open/b two'])
  })

  test('get what is retained', async () => {
    await run('mosquitto_pub', [...at('writer'), '-q', '1', '-r', '-t', 'open/retained', '-m', 'state'])
    const { stdout } = await run('mosquitto_sub', [...at('reader'), '-t', 'open/retained', '-C', '1', '-v'])
    expect(stdout).toBe('open/retained state\n')
    await run('mosquitto_pub', [...at('writer'), '-q', '1', '-r', '-t', 'open/retained', '-n'])
  })

  test('have their wills published when they are killed', async () => {
    const { lines, ended } = await subscriber('reader', '-q', '1', '-t', 'open/will', '-C', '1')
    const will = ['--will-topic', 'open/will', '--will-payload', 'gone', '--will-qos', '2']
    const victim = await subscriber('victim', ...will, '-t', 'open/none')
    victim.child.kill('SIGKILL')
    await ended
    expect(lines()).toEqual(['open/will gone'])
  })

  test('come back to their session, over a restart of the gateway', async () => {
    const { child, ended } = await subscriber('sleeper', '-c', '-q', '1', '-t', 'open/kept/#')
    child.kill('SIGTERM')
    await ended
    for (const body of ['one', 'two', 'three']) {
      await run('mosquitto_pub', [...at('writer'), '-q', '2', '-t', `open/kept/${body}`, '-m', body])
    }
    await stop()
    await start()
    const back = ['-c', '-q', '1', '-t', 'open/other', '-C', '3']
    const { stdout } = await run('mosquitto_sub', [...at('sleeper'), ...back])
    expect(stdout).toBe('one\ntwo\nthree\n')
  })

  test('log in by certificate', async () => {
    const certificate = ['--cert', join(folder, 'cert.pem'), '--key', join(folder, 'key.pem')]
    await run('mosquitto_pub', [...at('meter-1', certificate), '-q', '1', '-t', 'open/x', '-m', 'x'])
    await expect(run('mosquitto_pub', [...at('meter-1', []), '-t', 'open/x', '-m', 'x'])).rejects.toThrow()
  })

  test('are told when they may not come in, or may not have something', async () => {
    const wrong = ['-u', 'ann', '-P', 'wrong']
    await expect(run('mosquitto_pub', [...at('writer', wrong), '-t', 'open/x', '-m', 'x'])).rejects.toMatchObject({
      stderr: expect.stringContaining('not authorised'),
    })
    const { stderr } = await run('mosquitto_sub', [...at('reader'), '-t', '#', '-C', '1'])
    expect(stderr).toContain('denied')
  })
})

test('free topics are there by WebSocket, too', async () => {
  const { port } = https.address()
  const login = { username: 'ann', password: SECRET, ca: server.ca, reconnectPeriod: 0 }
  const web = await connectAsync(`wss://127.0.0.1:${port}/$iothub/websocket`, { ...login, clientId: 'web' })
  const wire = await connectAsync(`mqtts://127.0.0.1:${frontEnd.address().port}`, { ...login, clientId: 'wire' })
  await web.subscribeAsync('open/to/web', { qos: 2 })
  await wire.subscribeAsync('open/to/wire', { qos: 2 })
  const [atWeb, atWire] = [once(web as never, 'message'), once(wire as never, 'message')]
  await web.publishAsync('open/to/wire', Buffer.alloc(100_000, 'x'), { qos: 2 })
  await wire.publishAsync('open/to/web', 'hello', { qos: 2 })
  expect((await atWire)[1]).toHaveLength(100_000)
  expect(String((await atWeb)[1])).toBe('hello')
  await Promise.all([web.endAsync(), wire.endAsync()])
})
