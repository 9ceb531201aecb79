import { once } from 'node:events'
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { testCertificates } from '@edgewright/testkit'
import mqttPacket from 'mqtt-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AmqpFrontEnd, MqttFrontEnd } from '../src/index.js'
import { MemoryHost } from './memory-host.js'
import { ending, outcome, RawAmqpClient } from './raw-amqp-client.js'
import { connectPacket } from './raw-mqtt-client.js'

const server = testCertificates()
const client = testCertificates({ commonName: 'press-7' })
const options = {
  listen: { address: '127.0.0.1', port: 0 },
  tls: { certificate: server.cert, key: server.key },
}
const dialling = { host: '127.0.0.1', ca: server.ca, cert: client.cert, key: client.key }

let host: MemoryHost

beforeEach(() => {
  host = new MemoryHost([{ deviceId: 'press-7' }])
})

let frontEnd: MqttFrontEnd | AmqpFrontEnd

afterEach(() => frontEnd.stop())

function expectCertificate(): void {
  const [credentials] = host.credentials
  if (credentials?.kind !== 'certificate') throw new Error('no certificate was judged')
  expect(new X509Certificate(credentials.certificate).subject).toBe('CN=press-7')
}

test('a device logs in over MQTT by its certificate, whoever signed it', async () => {
  frontEnd = new MqttFrontEnd({ ...options, host })
  await frontEnd.start()
  const socket = connect({ ...dialling, port: frontEnd.address().port })
  await once(socket, 'secureConnect')
  socket.write(mqttPacket.generate(connectPacket('press-7', { password: undefined })))
  const [connack] = await once(socket, 'data')
  expect(connack).toEqual(Buffer.from([0x20, 2, 0, 0]))
  expectCertificate()
  socket.destroy()
})

test('the certificates that lead from it to an authority are judged with it', async () => {
  frontEnd = new MqttFrontEnd({ ...options, host })
  await frontEnd.start()
  const socket = connect({ ...dialling, cert: client.cert + client.ca, port: frontEnd.address().port })
  await once(socket, 'secureConnect')
  socket.write(mqttPacket.generate(connectPacket('press-7', { password: undefined })))
  await once(socket, 'data')
  const [credentials] = host.credentials
  if (credentials?.kind !== 'certificate') throw new Error('no certificate was judged')
  expect(credentials.issuers).toEqual([new X509Certificate(client.ca).raw])
  socket.destroy()
})

test('a device opens links over AMQP by its certificate, with SASL EXTERNAL and without', async () => {
  frontEnd = new AmqpFrontEnd({ ...options, host })
  await frontEnd.start()
  const { port } = frontEnd.address()
  for (const external of [false, true]) {
    const peer = await RawAmqpClient.to(port, { ...dialling, transport: 'tls', enable_sasl_external: external })
    const events = await peer.sender('/devices/press-7/messages/events')
    expect(await outcome(events, { body: 'x' })).toBe('accepted')
    const other = peer.connection.open_sender('/devices/other/messages/events')
    expect(await ending(other, 'sender')).toBe('amqp:unauthorized-access')
    peer.destroy()
  }
  expectCertificate()
})
