// Random and mutated MQTT streams against a live listener: npm run fuzz -- mqtt --runs N [--seed S]
import { once } from 'node:events'
import { connect } from 'node:net'
import mqttPacket from 'mqtt-packet'
import { MqttFrontEnd } from '../dist/index.js'
import { drive } from './support/drive.mjs'
import { FuzzHost } from './support/host.mjs'
import { mutate } from './support/mutate.mjs'
import { tear } from './support/tear.mjs'

export const name = 'mqtt'

/** Drives so many streams; the same seed, the same streams. */
export function fuzz(options) {
  return drive(options, { start, stream, neighbour })
}

async function start() {
  const frontEnd = new MqttFrontEnd({ host: new FuzzHost(), listen: { address: '127.0.0.1', port: 0 }, tls: 'none' })
  await frontEnd.start()
  return { port: frontEnd.address().port, stop: () => frontEnd.stop() }
}

/** A login and a few packets, most of them changed, torn into pieces at random. */
function stream(random) {
  if (random.once(50)) return [random.bytes(random.below(512))]
  const client = random.pick(CLIENTS)
  const packets = [connectPacket(client, random)]
  for (let rest = random.below(16); rest > 0; rest -= 1) packets.push(packet(client, random))
  const encoded = packets.map(value => mqttPacket.generate(value))
  const changed = encoded.map((bytes, index) => (random.once(index === 0 ? 12 : 5) ? mutate(bytes, random) : bytes))
  const whole = random.once(8) ? mutate(Buffer.concat(changed), random) : Buffer.concat(changed)
  return tear(whole, random)
}

/** Many, so that few streams take over from another. */
const CLIENTS = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? `d${index}` : `gateway/m${index}`))

function connectPacket(clientId, random) {
  const will = { topic: `devices/${clientId}/messages/events/`, payload: Buffer.from('x'), qos: 1, retain: false }
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: random.once(2),
    clientId,
    keepalive: random.below(65_536),
    username: `hub/${clientId}/?api-version=2021-04-12&model-id=dtmi:a;1`,
    password: Buffer.from(random.once(20) ? 'bad' : 'good'),
    ...(random.once(4) ? { will } : {}),
  }
}

function packet(clientId, random) {
  const path = clientId.replace('/', '/modules/')
  const messageId = 1 + random.below(65_535)
  const qos = random.below(2)
  const publish = topic => ({
    cmd: 'publish',
    topic,
    qos,
    messageId,
    payload: random.bytes(random.below(64)),
    dup: false,
    retain: random.once(8),
  })
  const topics = [`devices/${path}/messages/events/`, `devices/${path}/messages/events/%24.ct=a&b=c%20d&e`]
  const filters = [`devices/${path}/#`, `devices/${path}/messages/devicebound/#`, ...CONTROL_FILTERS]
  return random.pick([
    () => publish(random.pick(topics)),
    () => publish(random.pick(CONTROL_TOPICS)),
    () => ({ cmd: 'subscribe', messageId, subscriptions: [{ topic: random.pick(filters), qos }] }),
    () => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [random.pick(filters)] }),
    () => ({ cmd: 'puback', messageId: 1 + random.below(4) }),
    () => ({ cmd: 'pingreq' }),
    () => ({ cmd: 'disconnect' }),
  ])()
}

const CONTROL_TOPICS = [
  '$iothub/twin/GET/?$rid=1',
  '$iothub/twin/PATCH/properties/reported/?$rid=2&$version=3',
  '$iothub/methods/res/200/?$rid=00000000-0000-0000-0000-000000000000',
]
const CONTROL_FILTERS = ['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#', '$iothub/methods/POST/#', '#']

/** A client that sends one message at a time. */
async function neighbour(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  socket.on('data', chunk => parser.parse(chunk))
  socket.on('error', () => undefined)
  const login = { cmd: 'connect', clientId: 'good', username: 'hub/good/?api-version=1', password: Buffer.from('good') }
  socket.write(mqttPacket.generate({ ...login, protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 }))
  await once(parser, 'packet')
  const topic = 'devices/good/messages/events/'
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
