import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt-packet'

/** Publishers and subscribers of one topic: as little work as possible on their side. */
export interface TopicLoad {
  readonly host: string
  readonly port: number
  readonly publishers: number
  readonly subscribers: number
  readonly qos: 0 | 1
  /** Whether the subscribers have persistent sessions. */
  readonly persistent: boolean
  /** Unacknowledged messages per publisher; with QoS 0 in one go. */
  readonly inFlight: number
  readonly bodyBytes: number
  /** Milliseconds before counting begins, and while it goes on. */
  readonly warmUp: number
  readonly duration: number
}

/** Messages per second that arrived at subscribers, all together. */
export async function runTopicLoad(load: TopicLoad): Promise<number> {
  const counter = { delivered: 0 }
  const sockets: Socket[] = []
  for (let index = 0; index < load.subscribers; index++) sockets.push(await subscribe(load, index, counter))
  for (let index = 0; index < load.publishers; index++) sockets.push(await publish(load, index, counter))
  await passed(load.warmUp)
  const [before, began] = [counter.delivered, performance.now()]
  await passed(load.duration)
  const rate = ((counter.delivered - before) / (performance.now() - began)) * 1000
  for (const socket of sockets) socket.destroy()
  return rate
}

async function login(load: TopicLoad, clientId: string, clean: boolean): Promise<Socket> {
  const socket = connect({ host: load.host, port: load.port, noDelay: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const version = { protocolId: 'MQTT', protocolVersion: 4 } as const
  const who = { clientId, username: 'bench', password: Buffer.from('bench') }
  socket.write(mqtt.generate({ cmd: 'connect', ...version, clean, keepalive: 0, ...who }))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (answer[0] !== 0x20 || answer[3] !== 0) throw new Error(`The server refused: ${answer.toString('hex')}`)
  return socket
}

async function subscribe(load: TopicLoad, index: number, counter: { delivered: number }): Promise<Socket> {
  const socket = await login(load, `subscriber-${index}`, !load.persistent)
  const subscriptions = [{ topic: 'bench/#', qos: load.qos }]
  socket.write(mqtt.generate({ cmd: 'subscribe', messageId: 1, subscriptions }))
  await once(socket, 'data')
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const answers: number[] = []
    let at = 0
    for (let next = packetAt(bytes, at); next !== undefined; next = packetAt(bytes, at)) {
      const { start, end } = next
      if (bytes[at]! >> 4 === 3) {
        counter.delivered += 1
        const id = start + 2 + bytes.readUInt16BE(start)
        if (load.qos === 1) answers.push(0x40, 2, bytes[id]!, bytes[id + 1]!)
      }
      at = end
    }
    rest = bytes.subarray(at)
    if (answers.length > 0) socket.write(Buffer.from(answers))
  })
  return socket
}

function packetAt(bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  let length = 0
  for (let index = at + 1, shift = 1; index < bytes.length; index++, shift *= 128) {
    length += (bytes[index]! & 0x7f) * shift
    if (bytes[index]! < 0x80) {
      const start = index + 1
      return start + length <= bytes.length ? { start, end: start + length } : undefined
    }
  }
  return undefined
}

/** With QoS 1 each acknowledgement brings the next message; with QoS 0 what was delivered does. */
async function publish(load: TopicLoad, index: number, counter: { delivered: number }): Promise<Socket> {
  const socket = await login(load, `publisher-${index}`, true)
  const { qos, inFlight } = load
  const packets = Array.from({ length: inFlight }, (_, id) => {
    const payload = Buffer.alloc(load.bodyBytes, 'x')
    const topic = `bench/${index}`
    return mqtt.generate({ cmd: 'publish', topic, payload, qos, messageId: id + 1, dup: false, retain: false })
  })
  const size = packets[0]!.length
  const stream = Buffer.concat([...packets, ...packets])
  let next = 0
  let rest = 0
  const send = (count: number) => {
    socket.write(stream.subarray(next * size, (next + count) * size))
    next = (next + count) % inFlight
  }
  if (qos === 0) void floodPaced(load, socket, send, counter)
  else {
    socket.on('data', (chunk: Buffer) => {
      const bytes = rest + chunk.length
      rest = bytes % 4
      const count = (bytes - rest) / 4
      if (count > 0) send(count)
    })
    send(inFlight)
  }
  return socket
}

/** Keeps no more on the way than `inFlight`, so that nothing has to be dropped. */
async function floodPaced(
  load: TopicLoad,
  socket: Socket,
  send: (count: number) => void,
  counter: { delivered: number },
) {
  let sent = 0
  while (!socket.destroyed) {
    const arrived = counter.delivered / load.subscribers / load.publishers
    const count = Math.min(load.inFlight, Math.floor(arrived + load.inFlight - sent))
    if (count > 0) {
      send(count)
      sent += count
    }
    await new Promise(resolve => setImmediate(resolve))
  }
}

function passed(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
