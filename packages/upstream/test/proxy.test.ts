import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TransportName } from '../src/index.js'
import { type EmulatedHub, emulatedHub } from './emulator-cloud.js'
import { becomes, numbered } from './fixture.js'

const CREDENTIALS = `Basic ${Buffer.from('me:p@ss').toString('base64')}`

let proxy: Server
let carried: string[]
let hub: EmulatedHub

beforeEach(async () => {
  carried = []
  proxy = createServer()
  proxy.on('connect', (request, client: Socket) => {
    client.on('error', () => undefined)
    if (request.headers['proxy-authorization'] !== CREDENTIALS) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    carried.push(request.url!)
    const target = connect({ host: '127.0.0.1', port: Number(request.url!.split(':')[1]) }, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(target).pipe(client)
    })
    target.on('error', () => client.destroy())
    client.on('close', () => target.destroy())
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
})

afterEach(async () => {
  await hub.upstream.stop()
  await hub.dispose()
  proxy.close()
})

function address(credentials: string): string {
  return `http://${credentials}@127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

test.each<[TransportName, 'amqp' | 'mqtt' | 'https']>([
  ['amqp', 'amqp'],
  ['amqp-ws', 'https'],
  ['mqtt', 'mqtt'],
  ['mqtt-ws', 'https'],
])(
  'a proxy that wants credentials carries %s, and an authority of our own is trusted behind it',
  async (transport, port) => {
    hub = await emulatedHub({ transports: [transport], proxy: address('me:p%40ss') })
    await hub.upstream.start()
    await becomes('online', hub.upstream)
    const [identity] = hub.identities
    expect(await hub.upstream.session(identity!).send(numbered(20))).toEqual(Array(20).fill({ kind: 'accepted' }))
    expect((await hub.upstream.session(identity!).getTwin()).desired.version).toBe(1)
    expect(new Set(carried)).toEqual(new Set([`127.0.0.1:${hub.emulator.ports[port]}`]))
  },
)

test.each<TransportName>(['amqp', 'amqp-ws', 'mqtt', 'mqtt-ws'])(
  'that refuses credentials is named, over %s',
  async transport => {
    const failed = new Promise<unknown>(resolve => {
      const log = (_: string, text: string, fields?: object) => text === 'next attempt to connect' && resolve(fields)
      void emulatedHub({ transports: [transport], proxy: address('me:wrong'), logger: { log } }).then(made => {
        hub = made
        return hub.upstream.start()
      })
    })
    expect(JSON.stringify(await failed)).toMatch(/proxy-refused: 407/)
    expect(JSON.stringify(await failed)).not.toContain('wrong')
  },
)
