import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { JsonObject } from '@edgewright/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { amqp, createGateway, docker, type Gateway, iotHub, mqtt } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'
import { containerId, engineMissing, makeNetwork, removeNetwork } from './support/engine.js'
import { moduleImage } from './support/module-image.js'

const missing = await engineMissing()
const AGENT = { deviceId: EDGE, moduleId: '$edgeAgent' }
const TRANSPORTS = ['mqtt', 'amqp'] as const

describe.skipIf(missing !== undefined)('a container with the unmodified Azure SDK', () => {
  const network = `edgewright-${process.pid}`
  const nameOf = (transport: string) => `${network}-${transport}`
  const identityOf = (transport: string) => ({ deviceId: EDGE, moduleId: nameOf(transport) })
  let cloud: TestCloud
  let dataDir: string
  let gateway: Gateway
  let host: string

  beforeAll(async () => {
    const image = await moduleImage()
    cloud = await startCloud()
    dataDir = await mkdtemp(join(tmpdir(), 'edgewright-container-'))
    host = await makeNetwork(network)
    const modules = TRANSPORTS.map(transport => [nameOf(transport), moduleOf(image, transport)] as const)
    const runtime = { type: 'docker', settings: {} }
    const desired = { schemaVersion: '1.1', runtime, systemModules: {}, modules: Object.fromEntries(modules) }
    cloud.emulator.twins.change(AGENT, { desired }, 'replace')
    gateway = newGateway()
    await gateway.start()
  }, 60_000)

  afterAll(async () => {
    await gateway?.stop()
    await removeNetwork(network, TRANSPORTS.map(nameOf))
    await cloud?.[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true, force: true })
  })

  function moduleOf(image: string, transport: string): JsonObject {
    const createOptions = { Cmd: ['/bin/node', '/module.cjs'] }
    return {
      ...{ type: 'docker', status: 'running', restartPolicy: 'always', imagePullPolicy: 'never' },
      env: { TRANSPORT: { value: transport } },
      settings: { image, createOptions: JSON.stringify(createOptions) },
    }
  }

  function newGateway(): Gateway {
    const [one, other] = TRANSPORTS.map(nameOf)
    return createGateway({
      ...{ dataDir, hostname: 'press-7.local' },
      upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
      listen: [mqtt({ address: host }), amqp({ address: host })],
      runtimes: [docker({ network, scope: network })],
      routes: {
        across: `FROM /messages/modules/${one}/outputs/beat INTO BrokeredEndpoint("/modules/${other}/inputs/neighbour")`,
        back: `FROM /messages/modules/${other}/outputs/beat INTO BrokeredEndpoint("/modules/${one}/inputs/neighbour")`,
        up: 'FROM /messages/modules/*/outputs/passedOn INTO $upstream',
      },
      modules: { gather: 100, firstDelay: 500, grace: 5_000 },
    })
  }

  /** What a module of these passes on next, from now on. */
  async function passedOn(transport: string): Promise<string> {
    const where = ({ sender }: { sender: { moduleId?: string | undefined } }) => sender.moduleId === nameOf(transport)
    for await (const { message } of cloud.emulator.events.read({ from: 'latest', where })) {
      return Buffer.from(message.body).toString()
    }
    throw new Error('The emulator has ended')
  }

  const containerIds = () => Promise.all(TRANSPORTS.map(transport => containerId(nameOf(transport))))

  async function shownSerialNumber(): Promise<string> {
    const socket = connect({ host, port: 8883, servername: 'press-7.local', ca: gateway.trustBundle })
    await once(socket, 'secureConnect')
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }

  it.each(TRANSPORTS)(
    'starts from its environment and talks over %s',
    async transport => {
      const identity = identityOf(transport)
      expect(await passedOn(transport)).toMatch(/^neighbour: \{"beat":\d+\}$/)
      const times = { connectTimeout: 10_000, responseTimeout: 10_000 }
      const call = { name: 'add', payload: { a: 2, b: 3 }, ...times }
      expect(await cloud.emulator.methods.invoke(identity, call)).toMatchObject({ status: 200, payload: { sum: 5 } })
      cloud.emulator.twins.change(identity, { desired: { colour: transport } }, 'merge')
      await cloud.emulator.twins.until(identity, twin => twin.reported.properties.colour === transport)
    },
    30_000,
  )

  it('notices nothing of a server certificate that is renewed', async () => {
    const [ids, before] = [await containerIds(), await shownSerialNumber()]
    await gateway.certificate.renew()
    expect(await shownSerialNumber()).not.toBe(before)
    await Promise.all(TRANSPORTS.map(passedOn))
    expect(await containerIds()).toEqual(ids)
    for (const transport of TRANSPORTS) {
      for await (const { text } of gateway.supervisor!.logs(nameOf(transport))) expect(text).toBe('')
    }
  }, 30_000)

  it('outlives the gateway, and talks to the next one', async () => {
    const ids = await containerIds()
    await gateway.stop()
    gateway = newGateway()
    await gateway.start()
    await Promise.all(TRANSPORTS.map(passedOn))
    expect(await containerIds()).toEqual(ids)
    expect(gateway.supervisor!.status()).toMatchObject([{ restarts: 0 }, { restarts: 0 }])
  }, 60_000)

  it('is gone with its identity when the deployment has it no more', async () => {
    const [kept] = await containerIds()
    const gone = nameOf('amqp')
    cloud.emulator.twins.change(AGENT, { desired: { modules: { [gone]: null } } }, 'merge')
    await cloud.emulator.twins.until(AGENT, ({ reported }) => !(gone in (reported.properties.modules as JsonObject)))
    await expect.poll(() => cloud.emulator.registry.find(identityOf('amqp')), { timeout: 5_000 }).toBeUndefined()
    await expect(containerId(gone)).rejects.toThrow('No such container')
    expect(await containerId(nameOf('mqtt'))).toBe(kept)
  }, 30_000)
})
