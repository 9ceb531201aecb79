import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type IdentityAuthentication, type JsonObject, type JsonValue, lineLogger, memoryMeter } from '@edgewright/core'
import { deriveDeviceKey } from '@edgewright/security'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { amqp, createGateway, https, iotHub, mqtt, processes } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'
import { openDeviceClient, sdkMessage } from './device-client.js'

const AGENT = { deviceId: EDGE, moduleId: '$edgeAgent' }
const PROXY_PASSWORD = 'proxy-s3cret-1'
const REGISTRY_PASSWORD = 'registry-s3cret-2'
const PLAINTEXT = 'plaintext-s3cret-3'

/** A module that uses everything of the workload API, and writes what it got where only the test looks. */
const MODULE = `
const { request } = require('node:http')
const { readFileSync, writeFileSync, renameSync } = require('node:fs')
const { IOTEDGE_WORKLOADURI: uri, IOTEDGE_MODULEID: id, IOTEDGE_MODULEGENERATIONID: gen, SECRETS } = process.env
const call = (path, body) => new Promise((resolve, reject) => {
  const outgoing = request({ socketPath: uri.slice(7), method: 'POST', path: path + '?api-version=2018-06-28',
    headers: { 'content-type': 'application/json' } }, async incoming => {
    let text = ''
    for await (const chunk of incoming) text += chunk
    resolve(JSON.parse(text))
  })
  outgoing.on('error', reject)
  outgoing.end(JSON.stringify(body))
})
const base64 = text => Buffer.from(text).toString('base64')
;(async () => {
  const own = '/modules/' + id + '/genid/' + gen
  const { digest } = await call(own + '/sign', { keyId: 'primary', algo: 'HMACSHA256', data: base64('what it signs') })
  const iv = base64('vector')
  const { ciphertext } = await call(own + '/encrypt', { plaintext: base64(readFileSync(SECRETS + '.plain')), initializationVector: iv })
  const { plaintext } = await call(own + '/decrypt', { ciphertext, initializationVector: iv })
  const identity = await call('/modules/' + id + '/certificate/identity', {})
  const server = await call(own + '/certificate/server', { commonName: 'module.local', expiration: 'x' })
  await call('/modules/other/genid/1/sign', { data: base64('not its own') })
  const keys = [identity, server].map(({ privateKey }) => privateKey.bytes)
  writeFileSync(SECRETS + '.draft', JSON.stringify({ digest, plaintext, keys }))
  renameSync(SECRETS + '.draft', SECRETS)
})()
setInterval(() => {}, 1000)
`

let cloud: TestCloud
let dataDir: string
let elsewhere: string
let proxy: Server
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-secrets-'))
  elsewhere = await mkdtemp(join(tmpdir(), 'edgewright-elsewhere-'))
  cloud = await startCloud()
  proxy = createServer().on('connect', (request, client: Socket) => {
    const [host, port] = request.url!.split(':')
    const target = connect({ host: host!, port: Number(port) }, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(target).pipe(client)
    })
    for (const socket of [client, target]) socket.on('error', () => undefined).on('close', () => target.destroy())
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
})
afterEach(async () => {
  await cloud[Symbol.asyncDispose]()
  proxy.closeAllConnections()
  proxy.close()
  for (const folder of [dataDir, elsewhere]) await rm(folder, { recursive: true })
})

/** What a gateway says of itself, in every form that somebody might write down. */
class Outputs {
  readonly meter = memoryMeter()
  readonly #texts: string[] = []
  readonly logger = {
    log: (level: string, text: string, fields?: Readonly<Record<string, unknown>>) => {
      this.add(`${level} ${text}`, fields)
      this.#lines.log(level as 'info', text, fields as never)
    },
  }
  readonly #lines = lineLogger(line => this.#texts.push(line), 'debug')

  add(name: string, value: unknown): void {
    this.#texts.push(`${name} ${inspect(value, { depth: 9, showHidden: true })} ${json(value)}`)
  }

  get text(): string {
    return this.#texts.join('\n')
  }
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner) => (inner instanceof Error ? { ...inner, stack: inner.stack } : inner))
  } catch {
    return ''
  }
}

/** A secret in the forms in which it could get out. */
function formsOf(secret: string | Uint8Array): string[] {
  const bytes = Buffer.from(secret)
  const texts = [bytes.toString('latin1'), bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
  return [...texts, encodeURIComponent(bytes.toString('base64'))]
}

/** The secrets of a PEM key: its lines, without the first, which all keys of one kind share. */
function pemLines(pem: string): string[] {
  return pem
    .split('\n')
    .filter(line => line.length > 20 && !line.includes('-----'))
    .slice(1)
}

function keysOf(authentication: IdentityAuthentication | undefined): string[] {
  if (authentication?.type !== 'symmetricKey') return []
  return [authentication.primaryKey, authentication.secondaryKey]
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

function deploy(module: JsonObject): void {
  const credentials = { plant: { address: 'registry.local', username: 'puller', password: REGISTRY_PASSWORD } }
  const runtime = { type: 'docker', settings: { registryCredentials: credentials } }
  const desired = { schemaVersion: '1.1', runtime, systemModules: {}, modules: { worker: module } }
  cloud.emulator.twins.change(AGENT, { desired }, 'replace')
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  let found: T | undefined
  await expect.poll(async () => (found = await look().catch(() => undefined))).toBeDefined()
  return found!
}

describe('secrets', () => {
  it('are in no log, error, status, metric, report, answer or file, whatever a gateway has done', {
    timeout: 60_000,
  }, async () => {
    const outputs = new Outputs()
    const { provisioning, registry, twins, methods } = cloud.emulator
    registry.remove({ deviceId: EDGE })
    const group = provisioning.enrollments.addGroup({ groupId: 'presses', iotEdge: true })
    const [groupKey = ''] = group.attestation.kind === 'symmetricKey' ? [group.attestation.primaryKey] : []
    const gateway = createGateway({
      ...{ dataDir, logger: outputs.logger, meter: outputs.meter },
      upstream: iotHub({
        ...{ ca: cloud.ca, ports: cloud.ports },
        proxy: `http://me:${PROXY_PASSWORD}@127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        provisioning: {
          ...{ kind: 'dps', host: cloud.emulator.address, port: cloud.ports.https, idScope: provisioning.idScope },
          ...{ registrationId: EDGE, attestation: { kind: 'groupKey', key: groupKey } },
        },
      }),
      listen: [mqtt, amqp, https].map(make => make({ address: '127.0.0.1', port: 0 })),
      runtimes: [processes()],
      modules: { gather: 50, grace: 1_000 },
    })
    await gateway.start()
    const secretsFile = join(elsewhere, 'secrets.json')
    await writeFile(`${secretsFile}.plain`, PLAINTEXT)
    const settings = { command: process.execPath, args: ['-e', MODULE] }
    const env = { SECRETS: { value: secretsFile } }
    deploy({ type: 'process', status: 'running', restartPolicy: 'always', settings, env })
    const ofModule = await until(async () => JSON.parse(await readFile(secretsFile, 'utf8')))

    const leaf = cloud.device('leaf', `127.0.0.1:${gateway.addresses[0]!.port}`)
    const client = await openDeviceClient(leaf, gateway.trustBundle)
    await client.sendEvent(sdkMessage('{}'))
    await client.close()
    const forged = leaf.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=Zm9yZ2VkLXMzY3JldC00')
    outputs.add('refused', await openDeviceClient(forged, gateway.trustBundle).catch((error: unknown) => error))

    const times = { connectTimeout: 10_000, responseTimeout: 10_000 }
    for (const [name, payload] of Object.entries(QUESTIONS)) {
      outputs.add(name, await methods.invoke(AGENT, { name, payload, ...times }).catch((error: unknown) => error))
    }
    const privateKey = gateway.certificate.current.privateKey
    const directKeys = (moduleId: string) => keysOf(registry.find({ deviceId: EDGE, moduleId })?.authentication)
    const modules = ['$edgeAgent', '$edgeHub', 'worker'].flatMap(directKeys)
    outputs.add('status', gateway.status())
    outputs.add('supervisor', gateway.supervisor?.status())
    outputs.add('gateway', gateway)
    outputs.add('metrics', outputs.meter.read())
    outputs.add(
      'reported',
      [AGENT, { ...AGENT, moduleId: '$edgeHub' }].map(identity => twins.get(identity).reported),
    )
    outputs.add('events', cloud.emulator.events.snapshot())
    await gateway.stop()
    outputs.add('provisioned anew', await gateway.reprovision().catch((error: unknown) => error))
    outputs.add('elsewhere', await badStarts())

    const sealingKey = await readFile(join(dataDir, 'keys', 'sealing.key'))
    const authorityKey = await readFile(join(dataDir, 'certificates', 'development-only-edge-ca.key.pem'), 'utf8')
    const deviceKey = deriveDeviceKey(groupKey, EDGE)
    expect([groupKey, deviceKey, ...modules].every(key => key.length > 40)).toBe(true)
    const secrets: (string | Uint8Array)[] = [
      ...[groupKey, deviceKey, ...modules, ...keysOf(registry.get({ deviceId: 'leaf' }).authentication)],
      ...[PROXY_PASSWORD, REGISTRY_PASSWORD, PLAINTEXT, 'Zm9yZ2VkLXMzY3JldC00', ofModule.digest],
      ...[privateKey, authorityKey, ...ofModule.keys].flatMap(pemLines),
      sealingKey,
    ]
    const rawKeys = [groupKey, deviceKey, ...modules].map(key => Buffer.from(key, 'base64'))
    const forms = [...secrets, ...rawKeys].flatMap(formsOf)
    const said = outputs.text
    expect(forms.filter(form => said.includes(form))).toEqual([])
    expect(said).not.toMatch(/sig=(?!\*)[\w%+/]{20}/)
    expect(said).not.toMatch(/PRIVATE KEY-----/)
    expect(said.length).toBeGreaterThan(10_000)

    const own = new Map([
      ['sealing.key', formsOf(sealingKey)],
      ['development-only-edge-ca.key.pem', pemLines(authorityKey).flatMap(formsOf)],
    ])
    for (const path of await filesBelow(dataDir)) {
      const content = await readFile(path, 'latin1')
      const allowed = own.get(path.split('/').at(-1)!) ?? []
      expect([path, forms.filter(form => !allowed.includes(form) && content.includes(form))]).toEqual([path, []])
    }
  })

  /** Starts that fail in ways that a secret is near. */
  async function badStarts(): Promise<unknown[]> {
    const folder = join(elsewhere, 'bad')
    const key = 'YmFkLXMzY3JldC01'
    const strings = [
      `HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=${key}`,
      `HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`,
      `SharedAccessKey=${key}`,
    ]
    const failures = await Promise.all(
      strings.map(async connectionString => {
        const gateway = createGateway({
          dataDir: join(folder, String(strings.indexOf(connectionString))),
          upstream: iotHub({ connectionString }),
        })
        return await gateway.start().catch((error: unknown) => error)
      }),
    )
    expect(inspect(failures, { depth: 9 })).not.toContain(key)
    return failures
  }
})

/** What the cloud may ask of the agent. */
const QUESTIONS: Readonly<Record<string, JsonValue>> = {
  ping: null,
  GetModuleLogs: {
    schemaVersion: '1.0',
    items: { id: '.*', filter: { tail: 100 } },
    encoding: 'none',
    contentType: 'text',
  },
  UploadModuleLogs: {
    schemaVersion: '1.0',
    sasUrl: 'https://127.0.0.1:1/blob?sig=c2VjcmV0LXVwbG9hZC1zaWduYXR1cmU%3D',
    items: { id: '.*' },
  },
  UploadSupportBundle: {
    schemaVersion: '1.0',
    sasUrl: 'https://127.0.0.1:1/blob?sig=c2VjcmV0LXVwbG9hZC1zaWduYXR1cmU%3D',
  },
  GetTaskStatus: { schemaVersion: '1.0', correlationId: 'nobody' },
  RestartModule: { schemaVersion: '1.0', id: 'nobody' },
}

describe('what a gateway keeps', () => {
  it('is for its own user alone, whatever the mask of the process', async () => {
    const before = process.umask(0)
    const gateway = createGateway({
      dataDir: join(dataDir, 'data'),
      sealingKeyFile: join(elsewhere, 'key', 'sealing.key'),
      upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
      listen: [mqtt({ address: '127.0.0.1', port: 0 })],
      runtimes: [processes()],
      modules: { gather: 50 },
    })
    try {
      await gateway.start()
      const settings = { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] }
      deploy({ type: 'process', status: 'running', restartPolicy: 'always', settings, env: {} })
      await expect.poll(() => gateway.status().modules.map(({ state }) => state)).toEqual(['running'])
      const open = new Map<string, string>()
      const entries = await readdir(join(dataDir, 'data'), { recursive: true, withFileTypes: true })
      for (const entry of entries) {
        const path = join(entry.parentPath, entry.name)
        const { mode } = await stat(path)
        if ((mode & 0o077) !== 0) open.set(path.slice(dataDir.length), (mode & 0o777).toString(8))
      }
      // The folder above is closed; what is mounted into a module from it is open to whoever the module runs as.
      const folder = [...open.keys()].find(path => /^\/data\/workload\/worker-[\w-]+$/.test(path))
      expect(Object.fromEntries(open)).toEqual({ [folder!]: '711', [`${folder}/workload.sock`]: '666' })
      expect((await stat(join(elsewhere, 'key', 'sealing.key'))).mode & 0o777).toBe(0o600)
      expect(entries.map(({ name }) => name)).not.toContain('sealing.key')
      for (const name of ['data', 'data/keys', 'data/certificates', 'data/workload', 'data/store']) {
        expect([name, (await stat(join(dataDir, name))).mode & 0o777]).toEqual([name, 0o700])
      }
    } finally {
      process.umask(before)
      await gateway.stop()
    }
  })
})
