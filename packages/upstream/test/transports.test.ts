import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { memoryMeter } from '@edgewright/core'
import { testCertificates, virtualClock } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type IotHubUpstream, type IotHubUpstreamOptions, proxyAgent } from '../src/index.js'
import { becomes, bodies, DEVICE, MODULE, numbered, upstreamTo } from './fixture.js'
import { RheaHub } from './rhea-hub.js'

let hub: RheaHub
let webSocket: number
let upstream: IotHubUpstream

beforeEach(async () => {
  hub = new RheaHub()
  await hub.listen()
  webSocket = await hub.listenForWebSockets()
})

afterEach(async () => {
  await upstream?.stop()
  await hub.close()
})

async function online(options: Partial<IotHubUpstreamOptions> = {}): Promise<void> {
  upstream = upstreamTo(hub, options)
  await upstream.start()
  await becomes('online', upstream)
}

test('AMQP goes over a WebSocket', async () => {
  await online({ transports: ['amqp-ws'], ports: { webSocket } })
  const outcomes = await upstream.session(DEVICE).send(numbered(1_000))
  expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true)
  expect(bodies(hub, DEVICE)).toHaveLength(1_000)
  expect(hub.webSockets).toEqual(['AMQPWSB10'])
})

test('a server that wants no WebSocket is named as the reason', async () => {
  const server = createHttpsServer(hub.certificates, (_, response) => response.writeHead(400).end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const ports = { webSocket: (server.address() as AddressInfo).port }
  const failed = new Promise<void>(resolve => {
    const logger = { log: (_: string, text: string) => text === 'next attempt to connect' && resolve() }
    upstream = upstreamTo(hub, { transports: ['amqp-ws'], ports, logger })
  })
  await upstream.start()
  await failed
  expect(upstream.connectivity).toMatchObject({ reason: 'protocol-error: Unexpected server response: 400' })
  server.close()
})

describe('a proxy', () => {
  let proxy: Server
  let asked: { readonly to: string; readonly as: string | undefined }[]
  let status: number

  beforeEach(async () => {
    asked = []
    status = 200
    proxy = createServer()
    proxy.on('connect', (request, client: Socket) => {
      asked.push({ to: request.url!, as: request.headers['proxy-authorization'] })
      client.on('error', () => undefined)
      if (status !== 200) return client.end(`HTTP/1.1 ${status} No\r\n\r\n`)
      const [host, port] = request.url!.split(':')
      const target = connect({ host: host!, port: Number(port) }, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        client.pipe(target).pipe(client)
      })
      target.on('error', () => client.destroy())
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
  })

  afterEach(() => {
    proxy.close()
  })

  function address(credentials = ''): string {
    return `http://${credentials}127.0.0.1:${(proxy.address() as AddressInfo).port}`
  }

  test.each(['amqp', 'amqp-ws'] as const)('carries %s, with credentials', async transport => {
    await online({ proxy: address('me:p%40ss@'), transports: [transport], ports: { amqp: hub.port, webSocket } })
    expect(await upstream.session(DEVICE).send(numbered(1))).toEqual([{ kind: 'accepted' }])
    expect(asked).toEqual([
      {
        to: `127.0.0.1:${transport === 'amqp' ? hub.port : webSocket}`,
        as: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
      },
    ])
  })

  test("carries HTTPS requests of Node, by an agent, with the client's certificate", async () => {
    const { ca, cert, key } = testCertificates({ commonName: 'press-7' })
    const server = createHttpsServer({ cert, key, ca, requestCert: true }, (request, response) => {
      response.end(String((request.socket as TLSSocket).getPeerCertificate().subject.CN))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const get = async () => {
      const agent = proxyAgent(address('me:p%40ss@'))
      const outgoing = httpsRequest({ host: '127.0.0.1', port, ca, cert, key, agent }).end()
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
      return (await response.setEncoding('utf8').toArray()).join('')
    }
    expect(await get()).toBe('press-7')
    expect(asked).toEqual([{ to: `127.0.0.1:${port}`, as: `Basic ${Buffer.from('me:p@ss').toString('base64')}` }])
    status = 407
    await expect(get()).rejects.toThrow('407')
    server.close()
  })

  test('that refuses is named as the reason, without its password', async () => {
    status = 407
    const failed = new Promise<void>(resolve => {
      const logger = { log: (_: string, text: string) => text === 'next attempt to connect' && resolve() }
      upstream = upstreamTo(hub, { proxy: address('me:s3cret@'), logger })
    })
    await upstream.start()
    await failed
    expect(upstream.connectivity).toMatchObject({ reason: 'proxy-refused: 407 No' })
  })

  test('whose address cannot be read keeps the upstream from starting', async () => {
    upstream = upstreamTo(hub, { proxy: 'socks://me:s3cret@somewhere' })
    const error = await upstream.start().catch(reason => reason)
    expect(error).toMatchObject({ code: 'PROXY_INVALID' })
    expect(String(error.stack)).not.toContain('s3cret')
  })
})

describe('fallback', () => {
  test('leaves a transport that is blocked, and returns when it is not, without losing a message', async () => {
    const amqp = hub.port
    await hub.deafen()
    const transports: unknown[] = []
    const logger = {
      log: (_: string, text: string, fields?: object) =>
        text.includes('transport') && transports.push({ text, ...fields }),
    }
    await online({ ports: { amqp, webSocket }, logger, returnAfter: { first: 20, most: 50 } })
    expect(hub.webSockets).toEqual(['AMQPWSB10'])
    expect(await upstream.session(DEVICE).send(numbered(1))).toEqual([{ kind: 'accepted' }])

    hub.behaviour.message = () => 'hold'
    const underWay = upstream.session(DEVICE).send(numbered(1, 'under way'))
    await hub.until(() => hub.held.length === 1)
    const { connections } = hub
    await hub.listen(amqp)
    await hub.until(() => hub.connections > connections)
    const after = upstream.session(MODULE)
    hub.held[0]!.accept()
    expect(await underWay).toEqual([{ kind: 'accepted' }])
    hub.behaviour.message = () => undefined
    expect(await after.send(numbered(1))).toEqual([{ kind: 'accepted' }])
    expect(upstream.connectivity.type).toBe('online')
    expect(transports).toContainEqual(expect.objectContaining({ from: 'amqp-ws', to: 'amqp' }))
  })
})

describe('traffic', () => {
  test('is counted by purpose and identity', async () => {
    const meter = memoryMeter()
    await online({ meter })
    await upstream.session(MODULE).send(numbered(3))
    const read = (name: string, labels: Record<string, string>) =>
      meter
        .read()
        .find(
          reading =>
            reading.name === name && Object.entries(labels).every(([key, value]) => reading.labels[key] === value),
        )?.value ?? 0
    const labels = { identity: 'press/sensor', direction: 'out' }
    expect(read('upstream_messages', { ...labels, purpose: 'telemetry' })).toBe(3)
    expect(read('upstream_message_bytes', { ...labels, purpose: 'telemetry' })).toBeGreaterThan(6)
    expect(read('upstream_message_bytes', { ...labels, purpose: 'token' })).toBeGreaterThan(50)
    expect(read('upstream_link_bytes', { direction: 'out' })).toBeGreaterThan(300)
    expect(read('upstream_link_bytes', { direction: 'in' })).toBeGreaterThan(300)
  })

  test('beyond the budget of a day holds telemetry until the next', async () => {
    const clock = virtualClock()
    await online({ dailyBudget: 5_000, clock, silenceLimit: 1e9 })
    expect(await upstream.session(DEVICE).send(numbered(1))).toEqual([{ kind: 'accepted' }])
    const large = numbered(1, 'x'.repeat(6_000))
    expect(await upstream.session(DEVICE).send(large)).toEqual([{ kind: 'accepted' }])
    expect(await upstream.session(DEVICE).send(numbered(2))).toEqual(
      Array(2).fill({ kind: 'retry', reason: expect.stringContaining('budget of 5000 bytes') }),
    )
    clock.jump(86_400_000)
    expect(await upstream.session(DEVICE).send(numbered(1))).toEqual([{ kind: 'accepted' }])
  })
})
