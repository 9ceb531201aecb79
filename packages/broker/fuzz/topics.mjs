// Random and mutated streams of plain MQTT clients, and of IoT Hub clients on free topics, against a live listener:
// npm run fuzz -- topics --runs N [--seed S]
import { once } from 'node:events'
import { connect } from 'node:net'
import { MemoryStore } from '@edgewright/store-memory'
import mqttPacket from 'mqtt-packet'
import { FreeTopics, MqttFrontEnd } from '../dist/index.js'
import { drive } from './support/drive.mjs'
import { FuzzHost } from './support/host.mjs'
import { mutate } from './support/mutate.mjs'
import { tear } from './support/tear.mjs'

export const name = 'topics'

/** Drives so many streams; the same seed, the same streams. */
export function fuzz(options) {
  return drive(options, { start, stream, neighbour })
}

const EVERYTHING = [
  { operations: ['mqtt:connect'] },
  { operations: ['mqtt:publish', 'mqtt:subscribe'], resources: ['open/#', 'own/{{mqtt:client_id}}/#'] },
]
const BOUNDS = { maxSessions: 32, maxRetained: 32, maxQueuedMessages: 16, maxReceived: 16, maxClients: 100 }

async function start() {
  const store = new MemoryStore()
  await store.start()
  const topics = new FreeTopics({
    ...BOUNDS,
    store,
    authenticate: ({ username }) => (username === 'bad' ? undefined : username),
    authorizations: [{ accounts: ['{{mqtt:username}}'], identities: ['{{iot:identity}}'], allow: EVERYTHING }],
    bridge: { host: new RefusingHub(), toRoutes: [{ topics: 'open/routed/#' }] },
  })
  await topics.start()
  const listen = { address: '127.0.0.1', port: 0 }
  const frontEnd = new MqttFrontEnd({ host: new FuzzHost(), topics, listen, tls: 'none' })
  await frontEnd.start()
  const stop = async () => {
    await frontEnd.stop()
    await topics.stop()
    await store.stop()
  }
  return { port: frontEnd.address().port, stop }
}

/** A hub that takes every other message of a bridge. */
class RefusingHub {
  #sent = 0

  async connect() {
    return {
      send: async () => (++this.#sent % 2 === 0 ? [{ index: 0, error: new Error('refused') }] : []),
      subscribe: async () => undefined,
      close: () => undefined,
    }
  }
}

/** A login and a few packets, most of them changed, torn into pieces at random. */
function stream(random) {
  if (random.once(50)) return [random.bytes(random.below(512))]
  const packets = [random.once(4) ? hubConnect(random) : plainConnect(random)]
  for (let rest = random.below(20); rest > 0; rest -= 1) packets.push(packet(random))
  const encoded = packets.map(value => mqttPacket.generate(value))
  const changed = encoded.map((bytes, index) => (random.once(index === 0 ? 12 : 6) ? mutate(bytes, random) : bytes))
  const whole = random.once(8) ? mutate(Buffer.concat(changed), random) : Buffer.concat(changed)
  return tear(whole, random)
}

function plainConnect(random) {
  const will = { topic: random.pick(TOPICS), payload: random.bytes(8), qos: random.below(3), retain: random.once(4) }
  return {
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, keepalive: random.below(65_536) },
    clean: random.once(2),
    clientId: `c${random.below(40)}`,
    username: random.once(20) ? 'bad' : `u${random.below(3)}`,
    password: Buffer.from('x'),
    ...(random.once(4) ? { will } : {}),
  }
}

function hubConnect(random) {
  const clientId = `d${random.below(40)}`
  return {
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: random.once(2), keepalive: 0, clientId },
    username: `hub/${clientId}/?api-version=2021-04-12`,
    password: Buffer.from('good'),
  }
}

function packet(random) {
  const messageId = 1 + random.below(random.once(4) ? 65_535 : 4)
  return random.pick([
    () => ({
      ...{ cmd: 'publish', topic: random.pick(TOPICS), qos: random.below(3), messageId, payload: random.bytes(32) },
      dup: false,
      retain: random.once(6),
    }),
    () => ({ cmd: 'subscribe', messageId, subscriptions: filters(random) }),
    () => ({ cmd: 'unsubscribe', messageId, unsubscriptions: filters(random).map(({ topic }) => topic) }),
    () => ({ cmd: random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp']), messageId }),
    () => ({ cmd: 'pingreq' }),
    () => ({ cmd: 'disconnect' }),
  ])()
}

function filters(random) {
  return Array.from({ length: 1 + random.below(3) }, () => ({ topic: random.pick(FILTERS), qos: random.below(3) }))
}

const TOPICS = [
  ...['open/a', 'open/a/b', 'open/routed/x', 'open//', `open${'/d'.repeat(31)}`, 'own/c1/x', 'other'],
  ...['devices/d1/messages/events/', '$iothub/twin/GET/?$rid=1', '$SYS/x'],
]
const FILTERS = ['open/#', 'open/+', '+/a', '#', 'own/c1/#', 'open/+/b', '$SYS/#', 'devices/#', ...TOPICS]

/** A client that sends one message at a time. */
async function neighbour(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  socket.on('data', chunk => parser.parse(chunk))
  socket.on('error', () => undefined)
  const login = { cmd: 'connect', clientId: 'good', username: 'neighbour', password: Buffer.from('good') }
  socket.write(mqttPacket.generate({ ...login, protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 }))
  await once(parser, 'packet')
  const topic = 'open/neighbour'
  const message = { cmd: 'publish', topic, payload: 'x', qos: 1, messageId: 1, dup: false, retain: false }
  return {
    async exchange() {
      const acknowledged = once(parser, 'packet')
      socket.write(mqttPacket.generate(message))
      const [packet] = await acknowledged
      if (packet.cmd !== 'puback') throw new Error(`the neighbour got ${packet.cmd}`)
    },
    close: () => socket.destroy(),
  }
}
