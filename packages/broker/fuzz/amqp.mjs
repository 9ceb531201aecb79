// Random and mutated AMQP streams against a live listener: npm run fuzz -- amqp --runs N [--seed S]
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createSasToken, formatSasAudience } from '@edgewright/protocol'
import rhea from 'rhea'
import { AmqpFrontEnd } from '../dist/index.js'
import { drive } from './support/drive.mjs'
import { FuzzHost } from './support/host.mjs'
import { mutate } from './support/mutate.mjs'

export const name = 'amqp'

/** Drives so many streams; the same seed, the same streams. */
export async function fuzz(options) {
  const recordings = await record()
  // The library says on the console what it thinks of its peers.
  const { error, warn } = console
  console.error = console.warn = () => undefined
  try {
    return await drive(options, { start, neighbour, stream: random => stream(random, recordings) })
  } finally {
    Object.assign(console, { error, warn })
  }
}

async function start() {
  const frontEnd = new AmqpFrontEnd({ host: new FuzzHost(), listen: { address: '127.0.0.1', port: 0 }, tls: 'none' })
  await frontEnd.start()
  return { port: frontEnd.address().port, stop: () => frontEnd.stop() }
}

/** A recorded conversation of a client, frame by frame, some of them changed, left out or sent twice. */
function stream(random, recordings) {
  if (random.once(50)) return [random.bytes(random.below(512))]
  const pieces = [...random.pick(recordings)]
  for (let rest = 1 + random.below(3); rest > 0; rest -= 1) {
    // Mostly late, where more has been built up that can break.
    const early = random.once(3) ? 0 : pieces.length >> 1
    const at = early + random.below(pieces.length - early)
    const change = random.below(8)
    if (change === 0) pieces.splice(at, 1)
    else if (change === 1) pieces.splice(at, 0, random.pick(pieces))
    else pieces[at] = mutate(pieces[at], random)
  }
  return random.once(8) ? [Buffer.concat(pieces)] : pieces
}

const KEY = Buffer.from('key').toString('base64')

/** A token that any run finds valid, and the same in each, so that a seed always means the same bytes. */
function token(identity) {
  return createSasToken({ resource: formatSasAudience('hub', identity), key: KEY, expiresAt: Date.UTC(2100, 0, 1) })
}

/** What clients send in good conversations, cut into frames: many identities, so that few take over from another. */
function record() {
  return Promise.all(
    Array.from({ length: 24 }, (_, index) => conversation({ deviceId: `d${index}`, moduleId: 'm' }, index)),
  )
}

/** How a client logs in: without SASL, with ANONYMOUS, or with PLAIN. */
function loginOptions(identity, index) {
  const plain = { username: `${identity.deviceId}/modules/m@sas.hub`, password: token(identity) }
  return [{}, { username: 'anonymous' }, plain][index % 3]
}

async function conversation(identity, index) {
  const { port, stop } = await start()
  const sent = []
  const tap = createServer(client => {
    const server = connect(port, '127.0.0.1')
    client.on('data', chunk => sent.push(chunk))
    client.pipe(server).pipe(client)
    client.on('error', () => server.destroy())
    server.on('error', () => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(tap, 'listening')
  const connection = await dial(tap.address().port, loginOptions(identity, index))
  await login(connection, identity)
  await talk(connection, `/devices/${identity.deviceId}/modules/m`)
  connection.close()
  await once(connection, 'connection_close')
  tap.close()
  await stop()
  return frames(Buffer.concat(sent))
}

async function talk(connection, path) {
  const properties = { 'com.microsoft:channel-correlation-id': 'twin:1' }
  const receivers = ['twin', 'methods/devicebound', 'messages/events', 'messages/devicebound'].map(name =>
    connection.open_receiver({ source: `${path}/${name}`, properties }),
  )
  await Promise.all(receivers.map(receiver => once(receiver, 'receiver_open')))
  const [events, twin, methods] = await Promise.all(
    ['messages/events', 'twin', 'methods/devicebound'].map(name =>
      sender(connection, `${path}/${name}`, { properties }),
    ),
  )
  const body = rhea.message.data_section(Buffer.from('{"a":1}'))
  events.send({ body, message_id: 'm', content_type: 'application/json', application_properties: { a: 'b', n: 5 } })
  twin.send({ body, correlation_id: 'g', message_annotations: { operation: 'GET' } })
  twin.send({
    body,
    correlation_id: 'p',
    message_annotations: { operation: 'PATCH', resource: '/properties/reported' },
  })
  methods.send({ body, correlation_id: 'c', application_properties: { 'IoThub-status': 200 } })
  events.send(Buffer.from('005375a00a005375a00500537740'.slice(0, 26), 'hex'), undefined, 0x80013700)
  await once(events, 'settled')
}

function frames(bytes) {
  const cut = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.toString('latin1', at, at + 4) === 'AMQP' ? 8 : bytes.readUInt32BE(at)
    cut.push(bytes.subarray(at, at + length))
    at += length
  }
  return cut
}

const EVENTS = [
  'error',
  'connection_error',
  'protocol_error',
  'disconnected',
  'message',
  'rejected',
  'receiver_error',
  'sender_error',
]

async function dial(port, options = {}) {
  const connection = rhea.create_container().connect({ host: '127.0.0.1', port, reconnect: false, ...options })
  for (const event of EVENTS) {
    connection.on(event, () => undefined)
  }
  await once(connection, 'connection_open')
  return connection
}

async function login(connection, identity) {
  const requests = await sender(connection, '$cbs')
  const replies = connection.open_receiver('$cbs')
  const properties = { operation: 'put-token', type: 'servicebus.windows.net:sastoken', name: 'x' }
  const answer = once(replies, 'message')
  requests.send({ message_id: 't', to: '$cbs', application_properties: properties, body: token(identity) })
  await answer
}

async function sender(connection, target, options = {}) {
  const link = connection.open_sender({ target, ...options })
  await once(link, 'sendable')
  return link
}

/** A client that sends one message at a time. */
async function neighbour(port) {
  const connection = await dial(port)
  await login(connection, { deviceId: 'good' })
  const events = await sender(connection, '/devices/good/messages/events')
  return {
    async exchange() {
      const accepted = once(events, 'accepted')
      events.send({ body: rhea.message.data_section(Buffer.from('x')) })
      await accepted
    },
    close: () => connection.close(),
  }
}
