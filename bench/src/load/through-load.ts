import type { Socket } from 'node:net'
import { once } from 'node:events'
import mqtt from 'mqtt-packet'
import { openMqttSocket } from './mqtt-socket.js'

/** A way from publishers to one subscriber, QoS 1 at both ends. */
export interface ThroughLoad {
  readonly host: string
  readonly port: number
  /** Client ids of the publishers, and the topic on which each publishes. */
  readonly publishers: readonly { readonly clientId: string; readonly topic: string }[]
  readonly subscriber: { readonly clientId: string; readonly filter: string }
  /** At least eight. */
  readonly bodyBytes: number
}

/** Messages a second from end to end, with so many on their way at any time. */
export async function throughput(load: ThroughLoad, onTheWay: number, duration: number): Promise<number> {
  const publishers = await openPublishers(load)
  let received = 0
  let turn = 0
  const publish = (count: number) => {
    for (; count > 0; count--) publishers[turn++ % publishers.length]!.publish()
    for (const publisher of publishers) publisher.flush()
  }
  const subscriber = await openSubscriber(load, bodies => {
    received += bodies.length
    publish(bodies.length)
  })
  publish(onTheWay)
  await passed(1_000)
  const [before, began] = [received, performance.now()]
  await passed(duration)
  const rate = ((received - before) * 1_000) / (performance.now() - began)
  for (const { socket } of publishers) socket.destroy()
  subscriber.destroy()
  return rate
}

/** Milliseconds from publisher to subscriber, sorted, at so many messages a second. */
export async function latencies(load: ThroughLoad, rate: number, duration: number): Promise<readonly number[]> {
  const publishers = await openPublishers(load)
  const times: number[] = []
  let isWarm = false
  const subscriber = await openSubscriber(load, bodies => {
    const now = performance.now()
    if (isWarm) for (const body of bodies) times.push(now - body.readDoubleLE(0))
  })
  const began = performance.now()
  let sent = 0
  const pace = setInterval(() => {
    for (const due = ((performance.now() - began) * rate) / 1_000; sent < due; sent++) {
      const publisher = publishers[sent % publishers.length]!
      publisher.publish()
      publisher.flush()
    }
  }, 1)
  await passed(1_000)
  isWarm = true
  await passed(duration)
  clearInterval(pace)
  for (const { socket } of publishers) socket.destroy()
  subscriber.destroy()
  return times.sort((a, b) => a - b)
}

interface Publisher {
  readonly socket: Socket
  /** Adds a message that says when it was made. */
  publish(): void
  flush(): void
}

function openPublishers(load: ThroughLoad): Promise<Publisher[]> {
  return Promise.all(
    load.publishers.map(async ({ clientId, topic }) => {
      const socket = await openMqttSocket({ ...load, clientId })
      socket.resume()
      const packet = mqtt.generate({
        ...{ cmd: 'publish', topic, qos: 1, messageId: 1, dup: false, retain: false },
        payload: Buffer.alloc(load.bodyBytes, 'x'),
      })
      const idAt = packet.length - load.bodyBytes - 2
      let pending: Buffer[] = []
      let id = 0
      return {
        socket,
        publish() {
          const copy = Buffer.from(packet)
          copy.writeUInt16BE((id++ % 65_535) + 1, idAt)
          copy.writeDoubleLE(performance.now(), idAt + 2)
          pending.push(copy)
        },
        flush() {
          if (pending.length > 0) socket.write(Buffer.concat(pending))
          pending = []
        },
      }
    }),
  )
}

async function openSubscriber(load: ThroughLoad, take: (bodies: readonly Buffer[]) => void): Promise<Socket> {
  const { clientId, filter } = load.subscriber
  const socket = await openMqttSocket({ ...load, clientId })
  socket.write(mqtt.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 1 }] }))
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', chunk => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const bodies: Buffer[] = []
    const acknowledgements: Buffer[] = []
    let at = 0
    for (let packet = cut(bytes, at); packet !== undefined; packet = cut(bytes, at)) {
      const isMessage = bytes[at]! >>> 4 === PUBLISH
      at = packet.end
      if (!isMessage) continue
      const topicLength = bytes.readUInt16BE(packet.start)
      const idAt = packet.start + 2 + topicLength
      bodies.push(bytes.subarray(idAt + 2, packet.end))
      acknowledgements.push(Buffer.from([0x40, 2, bytes[idAt]!, bytes[idAt + 1]!]))
    }
    rest = bytes.subarray(at)
    if (bodies.length === 0) return
    socket.write(Buffer.concat(acknowledgements))
    take(bodies)
  })
  await once(socket, 'data')
  return socket
}

const PUBLISH = 3

/** Where the next packet has its variable header, and where it ends; undefined unless it is whole. */
function cut(bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  let length = 0
  let start = at + 1
  for (let shift = 1; ; shift *= 128) {
    const byte = bytes[start++]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * shift
    if (byte < 0x80) break
  }
  return start + length <= bytes.length ? { start, end: start + length } : undefined
}

function passed(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
