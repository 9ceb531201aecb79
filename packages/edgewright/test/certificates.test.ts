import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type Clock, type LogFields, memoryMeter, systemClock, type Timer } from '@edgewright/core'
import { createSasToken, formatSasAudience, parseConnectionString } from '@edgewright/protocol'
import { testCertificates } from '@edgewright/testkit'
import { connectAsync } from 'mqtt'
import rhea from 'rhea'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { amqp, createGateway, type Gateway, iotHub, mqtt } from '../src/index.js'
import { EDGE, startCloud, type TestCloud } from './cloud.js'
import { openDeviceClient, sdkMessage } from './device-client.js'
import { sendAmqp } from './wire-clients.js'

const MINUTE = 60_000
const DAY = 86_400_000
const PER_PROTOCOL = 50

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edgewright-certificates-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

/** The machine's clock, set wrong by so much. What waits for a minute waits until the test says that one has passed. */
function wrongClock(offset: number): Clock & { offset: number; aMinutePasses(): void } {
  const waiting = new Set<() => void>()
  return {
    offset,
    now() {
      return Date.now() + this.offset
    },
    monotonic: systemClock.monotonic,
    after(delay: number, callback: () => void): Timer {
      if (delay !== MINUTE) return systemClock.after(delay, callback)
      waiting.add(callback)
      return { cancel: () => waiting.delete(callback) }
    },
    aMinutePasses() {
      const due = [...waiting]
      waiting.clear()
      for (const callback of due) callback()
    },
  }
}

function portOf(gateway: Gateway, protocol: string): number {
  return gateway.addresses.find(address => address.protocol === protocol)!.port
}

/** The number of the certificate that a listener shows to who trusts the gateway's authority. */
async function shownBy(gateway: Gateway, protocol: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: portOf(gateway, protocol), ca: gateway.trustBundle })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerX509Certificate()!
  socket.destroy()
  return serialNumber
}

/** A session of a device that stays, and can send. */
interface LiveSession {
  readonly isLost: () => boolean
  send(body: string): Promise<unknown>
  close(): unknown
}

function sessionsOf(cloud: TestCloud, gateway: Gateway) {
  const ca = gateway.trustBundle
  /** Lasts until after the jump of the clock. */
  const login = (deviceId: string) => {
    const parsed = parseConnectionString(cloud.device(deviceId))
    if (parsed.kind !== 'identity' || parsed.credential.kind !== 'key') throw new Error('a key was expected')
    const { hostName: host, credential } = parsed
    const resource = formatSasAudience(host, { deviceId })
    return { host, password: createSasToken({ resource, key: credential.key, expiresAt: Date.now() + 200 * DAY }) }
  }
  return {
    async mqtt(deviceId: string): Promise<LiveSession> {
      const { host, password } = login(deviceId)
      const client = await connectAsync(`mqtts://127.0.0.1:${portOf(gateway, 'mqtt')}`, {
        ...{ ca, clientId: deviceId, username: `${host}/${deviceId}/?api-version=2021-04-12`, password },
        ...{ protocolVersion: 4, reconnectPeriod: 0 },
      })
      let isLost = false
      client.once('close', () => (isLost = true))
      return {
        isLost: () => isLost,
        send: body => client.publishAsync(`devices/${deviceId}/messages/events/`, body, { qos: 1 }),
        close: () => client.endAsync(true),
      }
    },
    async amqp(deviceId: string): Promise<LiveSession> {
      const { host, password } = login(deviceId)
      const connection = rhea.create_container().connect({
        ...{ transport: 'tls', host: '127.0.0.1', port: portOf(gateway, 'amqp'), ca, reconnect: false },
        ...{ username: `${deviceId}@sas.${host}`, password },
      } as never)
      let isLost = false
      connection.once('disconnected', () => (isLost = true))
      await once(connection, 'connection_open')
      return {
        isLost: () => isLost,
        send: body => sendAmqp(connection, `/devices/${deviceId}/messages/events`, { body: Buffer.from(body) }),
        close: () => connection.close(),
      }
    },
  }
}

describe('the certificate of the listeners', () => {
  it('is renewed under a hundred sessions without a link: none drops, and who comes later sees the new one', {
    timeout: 60_000,
  }, async () => {
    // The clock is behind, so that the certificate of before and the one of after are good for clients of today.
    const clock = wrongClock(-73 * DAY)
    await using cloud = await startCloud(undefined, [], { clock })
    await using gateway = createGateway({
      ...{ dataDir, clock },
      upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
      listen: [mqtt({ address: '127.0.0.1', port: 0 }), amqp({ address: '127.0.0.1', port: 0 })],
      timeToLiveSecs: 0,
    })
    await gateway.start()
    const open = sessionsOf(cloud, gateway)
    const numbers = Array.from({ length: PER_PROTOCOL }, (_, number) => number)
    const sessions = await Promise.all([
      ...numbers.map(number => open.mqtt(`mqtt-${number}`)),
      ...numbers.map(number => open.amqp(`amqp-${number}`)),
    ])
    const before = await Promise.all(['mqtt', 'amqp'].map(protocol => shownBy(gateway, protocol)))
    expect(new Set(before).size).toBe(1)

    cloud.emulator.cut()
    const renewed = once(gateway.certificate as never, 'renewed')
    clock.offset = 0
    clock.aMinutePasses()
    await renewed
    const after = await Promise.all(['mqtt', 'amqp'].map(protocol => shownBy(gateway, protocol)))
    expect(new Set([...before, ...after]).size).toBe(2)
    await Promise.all(sessions.map(session => session.send('still here')))
    expect(sessions.filter(session => session.isLost())).toEqual([])
    expect(gateway.status().certificates).toMatchObject([
      { name: 'server', state: 'valid', commonName: 'localhost' },
      { name: 'authority', state: 'valid' },
    ])
    await Promise.all(sessions.map(session => session.close()))
  })

  it.each([
    ['1970', -Date.now()],
    ['2100', Date.UTC(2100, 0, 1) - Date.now()],
  ])('is good as soon as a clock that woke up in %s is right', async (_year, offset) => {
    const clock = wrongClock(offset)
    await using cloud = await startCloud()
    await using gateway = createGateway({
      ...{ dataDir, clock },
      upstream: iotHub({
        ...{ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports },
        reconnect: { first: 50, most: 100 },
        identityRetry: { first: 50, most: 100 },
      }),
      listen: [mqtt({ address: '127.0.0.1', port: 0 })],
    })
    await gateway.start()
    clock.offset = 0
    clock.aMinutePasses()
    await expect.poll(() => gateway.status().certificates.map(({ state }) => state)).toEqual(['valid', 'valid'])
    const client = await openDeviceClient(
      cloud.device('leaf', `127.0.0.1:${portOf(gateway, 'mqtt')}`),
      gateway.trustBundle,
    )
    await client.sendEvent(sdkMessage('in time'))
    await client.close()
    const [event] = await cloud.emulator.events.until(1)
    expect(Buffer.from(event!.message.body).toString()).toBe('in time')
  })
})

describe('what expires when', () => {
  it('is told by status, metrics and log, for the device too', async () => {
    const own = testCertificates({ commonName: EDGE, notAfter: new Date(Date.now() + 10 * DAY) })
    const end = Date.parse(new X509Certificate(own.cert).validTo)
    await using cloud = await startCloud()
    const primary = new X509Certificate(own.cert).fingerprint256.replaceAll(':', '')
    const authentication = { type: 'thumbprint', primary, secondary: '' } as const
    cloud.emulator.registry.update({ deviceId: EDGE }, { authentication })
    const log: (LogFields & { level: string })[] = []
    const meter = memoryMeter()
    await using gateway = createGateway({
      ...{ dataDir, meter },
      logger: {
        log: (level, text, fields) => void (text === 'Certificate in force' && log.push({ level, ...fields })),
      },
      upstream: iotHub({
        ...{ ca: cloud.ca, ports: cloud.ports },
        provisioning: {
          ...{ kind: 'certificate', hubHostName: cloud.emulator.hostName, deviceId: EDGE },
          ...{ certificate: own.cert, privateKey: own.key },
        },
      }),
    })
    await gateway.start()
    const { certificates } = gateway.status()
    expect(certificates.map(({ name, commonName, state }) => [name, commonName, state])).toEqual([
      ['device', EDGE, 'valid'],
      ['server', 'localhost', 'valid'],
      ['authority', 'Edgewright development only', 'valid'],
    ])
    expect(certificates[0]!.expiresAt).toBe(end)
    expect(log.map(({ level, name }) => [level, name])).toEqual([
      ['warn', 'device'],
      ['info', 'server'],
      ['info', 'authority'],
    ])
    const gauges = meter.read().filter(({ name }) => name === 'edgewright_certificate_expiry_seconds')
    expect(gauges.map(({ labels }) => labels.name).sort()).toEqual(['authority', 'device', 'server'])
  })
})
