import { once } from 'node:events'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { memoryMeter } from '@edgewright/core'
import { testCertificates } from '@edgewright/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { Listener, type ListenerOptions, rawServer } from './listener.js'
import { listenError } from './listen-error.js'

const first = testCertificates({ commonName: 'first' })
const second = testCertificates({ commonName: 'second' })
const open: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const listener of open.splice(0)) await listener.stop()
})

async function listen(options: Partial<ListenerOptions> = {}, onConnection = echo) {
  const tls = { certificate: first.cert, key: first.key }
  const listener = new Listener({ listen: { address: '127.0.0.1', port: 0 }, tls, ...options }, rawServer(onConnection))
  open.push(listener)
  await listener.start()
  return listener
}

function echo(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.pipe(socket)
}

async function dial(listener: Listener, options: object): Promise<TLSSocket> {
  const { address, port } = listener.address()
  const socket = connect({ host: address, port, ...options })
  await once(socket, 'secureConnect')
  return socket
}

describe('Listener', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async version => {
    const listener = await listen()
    const socket = await dial(listener, { ca: first.ca, minVersion: version, maxVersion: version })
    expect(socket.getProtocol()).toBe(version)
    socket.write('hello')
    expect(String((await once(socket, 'data'))[0])).toBe('hello')
    socket.destroy()
  })

  test('refuses TLS 1.1', async () => {
    const listener = await listen()
    const old = dial(listener, {
      ca: first.ca,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    })
    await expect(old).rejects.toThrow()
  })

  test('takes a client certificate of any authority, and none', async () => {
    let shown: string | string[] | undefined
    const listener = await listen({}, socket => {
      shown = (socket as TLSSocket).getPeerCertificate().subject?.CN
      echo(socket)
    })
    const stranger = await dial(listener, { ca: first.ca, cert: second.cert, key: second.key })
    stranger.write('x')
    await once(stranger, 'data')
    expect(shown).toBe('second')
    stranger.destroy()
    const nobody = await dial(listener, { ca: first.ca })
    nobody.write('x')
    await once(nobody, 'data')
    expect(shown).toBeUndefined()
    nobody.destroy()
  })

  test('shows a new certificate from the next handshake on and drops no connection', async () => {
    const listener = await listen()
    const before = await dial(listener, { ca: first.ca })
    listener.replaceCredentials({ certificate: second.cert, key: second.key })
    const after = await dial(listener, { ca: second.ca })
    expect(after.getPeerCertificate().subject.CN).toBe('second')
    before.write('still here')
    expect(String((await once(before, 'data'))[0])).toBe('still here')
    before.destroy()
    after.destroy()
  })

  test('keeps its certificate when a new one does not fit its key', async () => {
    const listener = await listen()
    expect(() => listener.replaceCredentials({ certificate: second.cert, key: first.key })).toThrow(
      expect.objectContaining({ code: 'TLS_CREDENTIALS' }),
    )
    const socket = await dial(listener, { ca: first.ca })
    socket.destroy()
  })

  test('ends a connection whose handshake takes too long', async () => {
    const meter = memoryMeter()
    const listener = await listen({ handshakeTimeout: 20, meter })
    const socket = connectTcp(listener.address().port, '127.0.0.1').resume()
    await once(socket, 'close')
    expect(meter.read()).toContainEqual(expect.objectContaining({ name: 'listener_failed_handshakes', value: 1 }))
  })

  test('ends a connection that does not speak TLS', async () => {
    const listener = await listen()
    const socket = connectTcp(listener.address().port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await once(socket, 'close')
  })

  test('ends what is open when it stops, and may start again', async () => {
    const listener = await listen()
    const socket = await dial(listener, { ca: first.ca })
    const closed = once(socket, 'close')
    socket.on('error', () => undefined)
    await listener.stop()
    await closed
    expect(() => listener.address()).toThrow(expect.objectContaining({ code: 'NOT_RUNNING' }))
    await listener.start()
    ;(await dial(listener, { ca: first.ca })).destroy()
  })

  test('says who is in the way when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(listen({ listen: { address: '127.0.0.1', port } })).rejects.toMatchObject({
      code: 'LISTEN_IN_USE',
      place: `127.0.0.1:${port}`,
      remedy: expect.stringContaining(`sport = :${port}`),
    })
    other.close()
  })

  test('says how to allow a port that may not be taken', () => {
    const denied = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
    expect(listenError(denied, { address: '127.0.0.1', port: 443 })).toMatchObject({
      code: 'LISTEN_DENIED',
      message: 'May not listen on 127.0.0.1:443',
      remedy: expect.stringContaining('ip_unprivileged_port_start'),
    })
  })

  test('says so when the address is not one of the machine’s', async () => {
    await expect(listen({ listen: { address: '192.0.2.1', port: 0 } })).rejects.toMatchObject({
      code: 'LISTEN_ADDRESS',
    })
  })

  test('goes without TLS on loopback only', async () => {
    const listener = await listen({ tls: 'none' })
    const socket = connectTcp(listener.address().port, '127.0.0.1')
    socket.write('plain')
    expect(String((await once(socket, 'data'))[0])).toBe('plain')
    socket.destroy()
    await expect(listen({ tls: 'none', listen: { address: '0.0.0.0', port: 0 } })).rejects.toMatchObject({
      code: 'LISTEN_WITHOUT_TLS',
    })
  })
})
