import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt-packet'

/** A load of QoS 1 telemetry from raw sockets: as little work as possible on the sending side. */
export interface MqttLoad {
  readonly port: number
  readonly host: string
  readonly connections: number
  /** Unacknowledged messages per connection, at most 60,000. */
  readonly inFlight: number
  /** Bytes of each body. */
  readonly bodyBytes: number
  /** Milliseconds before counting begins, and while it goes on. */
  readonly warmUp: number
  readonly duration: number
  /** A JSON body in its place, declared as such. */
  readonly json?: Buffer
}

/** Says that a body is JSON; conditions look into no other. */
const JSON_BAG = '%24.ct=application%2Fjson&%24.ce=utf-8'

/** Messages per second that were acknowledged while counting. */
export async function runMqttLoad(load: MqttLoad): Promise<number> {
  const counter = { acknowledged: 0 }
  const clients = await Promise.all(
    Array.from({ length: load.connections }, (_, index) => openClient(load, index, counter)),
  )
  await passed(load.warmUp)
  const [before, began] = [counter.acknowledged, performance.now()]
  await passed(load.duration)
  const rate = ((counter.acknowledged - before) / (performance.now() - began)) * 1000
  for (const socket of clients) socket.destroy()
  return rate
}

async function openClient(load: MqttLoad, index: number, counter: { acknowledged: number }): Promise<Socket> {
  const socket = connect({ host: load.host, port: load.port, noDelay: true })
  await once(socket, 'connect')
  const clientId = `device-${index}`
  socket.write(
    mqtt.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      keepalive: 0,
      username: `hub/${clientId}/?api-version=2021-04-12`,
      password: Buffer.from('bench'),
    }),
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (answer[0] !== 0x20 || answer[3] !== 0) throw new Error(`The server refused: ${answer.toString('hex')}`)
  const packets = Array.from({ length: load.inFlight }, (_, id) =>
    mqtt.generate({
      cmd: 'publish',
      topic: `devices/${clientId}/messages/events/${load.json === undefined ? '' : JSON_BAG}`,
      payload: load.json ?? Buffer.alloc(load.bodyBytes, 'x'),
      qos: 1,
      messageId: id + 1,
      dup: false,
      retain: false,
    }),
  )
  const size = packets[0]!.length
  const stream = Buffer.concat([...packets, ...packets])
  let next = 0
  let rest = 0
  const send = (count: number) => {
    socket.write(stream.subarray(next * size, (next + count) * size))
    next = (next + count) % load.inFlight
  }
  // Nothing but PUBACKs comes back, four bytes each.
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest + chunk.length
    rest = bytes % 4
    const count = (bytes - rest) / 4
    counter.acknowledged += count
    if (count > 0) send(count)
  })
  socket.on('error', () => undefined)
  send(load.inFlight)
  return socket
}

function passed(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
