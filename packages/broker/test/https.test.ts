import { once } from 'node:events'
import { connect } from 'node:net'
import { request } from 'node:http'
import {
  EdgewrightError,
  type Identity,
  type LogFields,
  type MethodInvoker,
  type MethodRequest,
  type MethodResponse,
} from '@edgewright/core'
import { createSasToken, formatSasAudience } from '@edgewright/protocol'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { WebSocket } from 'ws'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HttpsFrontEnd } from '../src/index.js'
import { HUB_HOST, KEY, MemoryHost } from './memory-host.js'
import { connectPacket, telemetry } from './raw-mqtt-client.js'

const DEVICE = 'press-7'
const caller = { deviceId: 'gateway', moduleId: 'a b' }

interface Call {
  readonly caller: Identity
  readonly target: Identity
  readonly request: MethodRequest
}

let host: MemoryHost
let frontEnd: HttpsFrontEnd
let calls: Call[]
let answer: (call: Call, signal: AbortSignal | undefined) => Promise<MethodResponse>
let reasons: unknown[]

beforeEach(async () => {
  host = new MemoryHost([{ deviceId: DEVICE }, caller])
  calls = []
  reasons = []
  answer = async () => ({ status: 201, payload: { done: true } })
  const invoker: MethodInvoker = {
    invokeMethod: (caller, target, request, signal) => {
      const call = { caller, target, request }
      calls.push(call)
      host.changed()
      return answer(call, signal)
    },
  }
  frontEnd = new HttpsFrontEnd({
    host,
    invoker,
    listen: { address: '127.0.0.1', port: 0 },
    tls: 'none',
    logger: { log: (_level, _message, fields?: LogFields) => void reasons.push(fields?.reason) },
  })
  await frontEnd.start()
})

afterEach(() => frontEnd.stop())

interface Reply {
  readonly status: number | undefined
  readonly headers: Record<string, unknown>
  readonly body: unknown
}

async function call(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  method = 'POST',
): Promise<Reply> {
  const { address, port } = frontEnd.address()
  const good = {
    authorization: createSasToken({
      resource: formatSasAudience(HUB_HOST, caller),
      key: KEY,
      expiresAt: Date.now() + 60_000,
    }),
    'x-ms-edge-moduleid': 'gateway/a%20b',
  }
  const outgoing = request({ host: address, port, path, method, headers: { ...good, ...headers } })
  outgoing.end(typeof body === 'string' ? body : JSON.stringify(body))
  const [response] = await once(outgoing, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return { status: response.statusCode, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

describe('a method call', () => {
  test('reaches its target and brings the answer back', async () => {
    const body = { methodName: 'go', payload: [1], responseTimeoutInSeconds: 7, connectTimeoutInSeconds: 2 }
    const reply = await call('/twins/press%2D7/modules/f%23/methods?api-version=2018-06-28', body)
    expect(reply).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-content-type-options': 'nosniff' },
      body: { status: 201, payload: { done: true } },
    })
    expect(calls).toEqual([
      {
        caller,
        target: { deviceId: DEVICE, moduleId: 'f#' },
        request: { name: 'go', payload: [1], responseTimeout: 7_000, connectTimeout: 2_000 },
      },
    ])
  })

  test('has its defaults, and the C SDK’s name for the time-out', async () => {
    await call('/twins/press-7/methods', { methodName: 'go' })
    await call('/twins/press-7/methods', { methodName: 'go', timeout: 60 })
    expect(calls.map(({ target, request }) => ({ target, ...request }))).toEqual([
      { target: { deviceId: DEVICE }, name: 'go', payload: undefined, responseTimeout: 30_000, connectTimeout: 0 },
      { target: { deviceId: DEVICE }, name: 'go', payload: undefined, responseTimeout: 60_000, connectTimeout: 0 },
    ])
  })

  test.each([
    ['METHOD_NOT_ALLOWED', 401],
    ['METHOD_NO_CLIENT', 404],
    ['METHOD_TIMEOUT', 504],
    ['SOMETHING_ELSE', 500],
  ])('that ends in %s is %d', async (code, status) => {
    answer = async () => {
      throw new EdgewrightError(code, 'why')
    }
    expect(await call('/twins/press-7/methods', { methodName: 'go' })).toMatchObject({
      status,
      body: { message: expect.any(String) },
    })
  })

  test.each<[string, unknown, Record<string, string>, number]>([
    ['no caller', { methodName: 'go' }, { 'x-ms-edge-moduleid': 'gateway' }, 400],
    ['a token of nobody', { methodName: 'go' }, { authorization: 'SharedAccessSignature sr=a&sig=b&se=1' }, 401],
    ['a caller nobody knows', { methodName: 'go' }, { 'x-ms-edge-moduleid': 'gateway/other' }, 401],
    ['no JSON', 'go', {}, 400],
    ['no name', {}, {}, 400],
    ['a long name', { methodName: 'g'.repeat(101) }, {}, 400],
    ['a large payload', { methodName: 'go', payload: 'x'.repeat(131_071) }, {}, 400],
    ['a larger body', 'x'.repeat(200_000), {}, 413],
    ['a short time-out', { methodName: 'go', responseTimeoutInSeconds: 4 }, {}, 400],
    ['a long connect time-out', { methodName: 'go', connectTimeoutInSeconds: 301 }, {}, 400],
  ])('with %s is refused', async (_name, body, headers, status) => {
    expect(await call('/twins/press-7/methods', body, headers)).toMatchObject({
      status,
      body: { message: expect.any(String) },
    })
    expect(calls).toEqual([])
  })

  test('is given up when the caller leaves', async () => {
    const given = new Promise<AbortSignal | undefined>(resolve => {
      answer = (_call, signal) => {
        resolve(signal)
        return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
      }
    })
    const { address, port } = frontEnd.address()
    const outgoing = request({
      host: address,
      port,
      path: '/twins/press-7/methods',
      method: 'POST',
      headers: {
        'x-ms-edge-moduleid': 'gateway/a%20b',
        authorization: createSasToken({
          resource: formatSasAudience(HUB_HOST, caller),
          key: KEY,
          expiresAt: Date.now() + 60_000,
        }),
      },
    })
    outgoing.on('error', () => undefined)
    outgoing.end(JSON.stringify({ methodName: 'go' }))
    const signal = await given
    outgoing.destroy()
    if (!signal?.aborted) await new Promise(resolve => signal?.addEventListener('abort', resolve))
  })

  test('is the only thing served by POST, and POST the only way to it', async () => {
    expect(await call('/twins/press-7/methods', '', {}, 'PUT')).toMatchObject({ status: 405 })
    expect(await call('/devices/press-7', {})).toMatchObject({ status: 404 })
    expect(await call('/twins/%ff/methods', { methodName: 'go' })).toMatchObject({ status: 404 })
  })
})

describe('MQTT by WebSocket', () => {
  async function dial(protocols: string[], path = '/$iothub/websocket'): Promise<WebSocket> {
    const { address, port } = frontEnd.address()
    const webSocket = new WebSocket(`ws://${address}:${port}${path}`, protocols)
    await once(webSocket, 'open')
    return webSocket
  }

  async function next(webSocket: WebSocket): Promise<Packet> {
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    const packet = once(parser, 'packet')
    webSocket.on('message', data => parser.parse(data as Buffer))
    return (await packet)[0]
  }

  test.each(['mqtt', 'MQTT'])('is spoken as %s, and answered with the same spelling', async protocol => {
    const webSocket = await dial(['other', protocol], '/$iothub/websocket?iothub-no-client-cert=true')
    expect(webSocket.protocol).toBe(protocol)
    webSocket.send(mqttPacket.generate(connectPacket(DEVICE)))
    expect(await next(webSocket)).toMatchObject({ cmd: 'connack', returnCode: 0 })
    expect(host.session(DEVICE).peer.transport).toBe('mqtt-ws')
    const packets = [telemetry(DEVICE, 1), telemetry(DEVICE, 2)].map(packet => mqttPacket.generate(packet))
    const bytes = Buffer.concat(packets)
    webSocket.send(bytes.subarray(0, 10))
    webSocket.send(bytes.subarray(10))
    await host.until(() => host.taken.length === 2)
    webSocket.close()
    await host.until(() => host.ends.length === 1)
  })

  test('ends when text comes', async () => {
    const webSocket = await dial(['mqtt'])
    webSocket.send('text')
    await once(webSocket, 'close')
  })

  test.each([
    ['/$iothub/websocket', ['other'], 400],
    ['/$iothub/websocket', [], 400],
    ['/elsewhere', ['mqtt'], 404],
  ])('is not spoken at %s as %j', async (path, protocols, status) => {
    await expect(dial(protocols, path)).rejects.toThrow(`Unexpected server response: ${status}`)
  })
})

test('a client that sends half a request is let go', async () => {
  const { address, port } = frontEnd.address()
  const socket = connect(port, address)
  socket.write('POST /twins/press-7/methods HTTP/1.1\r\nHost: x\r\n\0')
  await once(socket.resume(), 'close')
})
