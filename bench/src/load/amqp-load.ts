import { once } from 'node:events'
import rhea, { type Connection } from 'rhea'

/** A load of AMQP messages from rhea, as fast as the server gives credit. */
export interface AmqpLoad {
  readonly host: string
  readonly port: number
  readonly connections: number
  /** Of each connection, by its number. */
  readonly username: (index: number) => string
  readonly password: (index: number) => string
  readonly address: (index: number) => string
  /** Whether messages ask to be kept. @default false */
  readonly durable?: boolean
  readonly bodyBytes: number
  /** Milliseconds before counting begins, and while it goes on. */
  readonly warmUp: number
  readonly duration: number
  /** Seconds of processor time that the server took so far. */
  readonly cpuSeconds: () => number
}

/** @returns messages per second that were accepted while counting, and microseconds of processor time for each */
export async function runAmqpLoad(load: AmqpLoad): Promise<{ readonly rate: number; readonly cpu: number }> {
  const counter = { accepted: 0 }
  const connections = await Promise.all(
    Array.from({ length: load.connections }, (_, index) => openSender(load, index, counter)),
  )
  await passed(load.warmUp)
  const [before, cpuBefore, began] = [counter.accepted, load.cpuSeconds(), performance.now()]
  await passed(load.duration)
  const accepted = counter.accepted - before
  const rate = (accepted * 1_000) / (performance.now() - began)
  const cpu = ((load.cpuSeconds() - cpuBefore) * 1e6) / accepted
  for (const connection of connections) connection.close()
  return { rate, cpu }
}

async function openSender(load: AmqpLoad, index: number, counter: { accepted: number }): Promise<Connection> {
  const { host, port, durable = false } = load
  const [username, password] = [load.username(index), load.password(index)]
  const connection = rhea.create_container().connect({ host, port, username, password, reconnect: false } as never)
  for (const event of ['disconnected', 'connection_error', 'session_error', 'sender_error'])
    connection.on(event, () => undefined)
  await once(connection, 'connection_open')
  const sender = connection.open_sender(load.address(index))
  // Encoded once: the load should cost as little as it can.
  const message = rhea.message.encode({ durable, body: rhea.message.data_section(Buffer.alloc(load.bodyBytes, 'x')) })
  sender.on('accepted', () => void (counter.accepted += 1))
  sender.on('sendable', () => {
    while (!connection.is_closed() && sender.sendable()) sender.send(message as never, undefined as never, 0)
  })
  return connection
}

function passed(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
