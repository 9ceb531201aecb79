import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import mqtt from 'mqtt-packet'

/** Where a client of a bench connects to, and as whom. */
export interface MqttSocketOptions {
  readonly host: string
  readonly port: number
  /** A device, or `device/module`. */
  readonly clientId: string
  /** PEM; over TLS when given. */
  readonly ca?: string | undefined
}

/** Connects and logs in: a socket on which nothing has come but a good CONNACK. */
export async function openMqttSocket({ host, port, clientId, ca }: MqttSocketOptions): Promise<Socket> {
  const socket = ca === undefined ? connect({ host, port, noDelay: true }) : connectTls({ host, port, ca })
  await once(socket, ca === undefined ? 'connect' : 'secureConnect')
  socket.setNoDelay(true)
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
  socket.on('error', () => undefined)
  return socket
}
