import { execFile, spawn, spawnSync } from 'node:child_process'
import { on } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testCertificates } from '@edgewright/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AmqpFrontEnd, MqttFrontEnd } from '../src/index.js'
import { HUB_HOST, MemoryHost } from './memory-host.js'
import { token } from './raw-amqp-client.js'

const run = promisify(execFile)
const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined
/** Debian's, which finds Debian's packages, whatever else is called python3. */
const PYTHON = '/usr/bin/python3'
const hasProton = spawnSync(PYTHON, ['-c', 'import proton']).status === 0
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

describe('a client on Qpid Proton', () => {
  const { ca, cert, key } = testCertificates()
  const host = new MemoryHost([device])
  const frontEnd = new AmqpFrontEnd({
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

  beforeEach(context => context.skip(!hasProton, 'python3-qpid-proton is not installed'))

  afterAll(async () => {
    await frontEnd.stop()
    await rm(folder, { recursive: true })
  })

  /** Has the client do something. @param onReady - called when it listens */
  async function proton(task: object, onReady: () => void = () => undefined): Promise<Record<string, unknown>> {
    const { port } = frontEnd.address()
    const login = { user: `press-7@sas.${HUB_HOST.split('.')[0]}`, token: token(device), mechanism: 'PLAIN' }
    // Proton compares names of certificates, but not addresses.
    const whole = { url: `amqps://localhost:${port}`, ca: join(folder, 'ca.pem'), ...login, ...task }
    const child = spawn(PYTHON, [fileURLToPath(new URL('./proton-client.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let complaint = ''
    child.stderr.on('data', chunk => (complaint += chunk))
    child.stdin.end(JSON.stringify(whole))
    const lines = createInterface({ input: child.stdout })
    for await (const [line] of on(lines, 'line', { close: ['close'] })) {
      if (line !== 'ready') return JSON.parse(line)
      onReady()
    }
    throw new Error(complaint)
  }

  const address = '/devices/press-7/messages/events'
  const messages = ['1', '2', '3'].map(id => ({ id, body: `{"number":${id}}`, properties: { unit: 'C' } }))

  test.each(['PLAIN', 'ANONYMOUS'])('sends telemetry after SASL %s, each message accepted', async mechanism => {
    host.taken.length = 0
    const { outcomes, reply } = await proton({ mechanism, address, send: messages })
    expect(reply).toEqual(mechanism === 'PLAIN' ? undefined : { id: 'token-1', status: 200 })
    expect(outcomes).toEqual(['ACCEPTED', 'ACCEPTED', 'ACCEPTED'])
    expect(host.taken).toMatchObject(
      messages.map(({ id, body }) => ({
        sender: 'press-7',
        body: Buffer.from(body),
        properties: new Map([['unit', 'C']]),
        system: { messageId: id, contentType: 'application/json' },
      })),
    )
  })

  test('is told of a message that is not taken', async () => {
    host.durable = async () => {
      throw new Error('disk is gone')
    }
    const { outcomes } = await proton({ address, send: messages.slice(0, 1) })
    host.durable = async () => []
    expect(outcomes).toEqual(['REJECTED'])
  })

  test('receives commands and completes them', async () => {
    const settled: Promise<string>[] = []
    const give = async () => {
      const { peer } = await host.until(() => {
        const session = host.sessions.get('press-7')
        return session?.subscriptions.has('commands') && session
      })
      for (const body of ['open', 'shut']) {
        const message = { body: Buffer.from(body), properties: new Map([['door', '3']]), system: {} }
        settled.push(new Promise(settle => peer.deliver([{ message, redelivered: false, settle }])))
      }
    }
    const task = { mechanism: 'ANONYMOUS', address: '/devices/press-7/messages/devicebound', receive: 2 }
    const { received } = await proton(task, () => void give())
    const to = '/devices/press-7/messages/devicebound'
    expect(received).toEqual([
      { body: 'open', properties: { door: '3' }, to },
      { body: 'shut', properties: { door: '3' }, to },
    ])
    expect(await Promise.all(settled)).toEqual(['completed', 'completed'])
  })

  test('is not let in with a token of another key', async () => {
    const other = token(device, { key: Buffer.from('other').toString('base64') })
    await expect(proton({ token: other, address, send: messages })).rejects.toThrow(/authentication|amqp:unauthorized/i)
    const { reply } = await proton({ mechanism: 'ANONYMOUS', token: other })
    expect(reply).toMatchObject({ status: 401 })
  })
})
