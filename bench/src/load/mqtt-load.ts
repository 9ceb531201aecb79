import type { Socket } from 'node:net'
import mqtt from 'mqtt-packet'
import { openMqttSocket } from './mqtt-socket.js'

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
  /** Seconds of processor time that the server took so far. */
  readonly cpuSeconds: () => number
  /** PEM; over TLS when given. */
  readonly ca?: string | undefined
  /** A JSON body in its place, declared as such. */
  readonly json?: Buffer
}

/** Says that a body is JSON; conditions look into no other. */
const JSON_BAG = '%24.ct=application%2Fjson&%24.ce=utf-8'

/** @returns messages per second that were acknowledged while counting, and microseconds of processor time for each */
export async function runMqttLoad(load: MqttLoad): Promise<{ readonly rate: number; readonly cpu: number }> {
  const counter = { acknowledged: 0 }
  const clients = await Promise.all(
    Array.from({ length: load.connections }, (_, index) => openClient(load, index, counter)),
  )
  await passed(load.warmUp)
  const [before, cpuBefore, began] = [counter.acknowledged, load.cpuSeconds(), performance.now()]
  await passed(load.duration)
  const acknowledged = counter.acknowledged - before
  const rate = (acknowledged * 1_000) / (performance.now() - began)
  const cpu = ((load.cpuSeconds() - cpuBefore) * 1e6) / acknowledged
  for (const socket of clients) socket.destroy()
  return { rate, cpu }
}

async function openClient(load: MqttLoad, index: number, counter: { acknowledged: number }): Promise<Socket> {
  const clientId = `device-${index}`
  const socket = await openMqttSocket({ ...load, clientId })
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
  send(load.inFlight)
  return socket
}

function passed(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
