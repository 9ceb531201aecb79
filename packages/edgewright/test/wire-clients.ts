import { once } from 'node:events'
import type { Identity } from '@edgewright/core'
import { createSasToken, formatSasAudience, parseConnectionString } from '@edgewright/protocol'
import { connectAsync, type MqttClient } from 'mqtt'
import rhea, { type Connection, type EventContext, type Message } from 'rhea'
import { WebSocket } from 'ws'
import { EDGE, type TestCloud } from './cloud.js'

/** Where a client logs in, and with what. */
export interface WireLogin {
  readonly identity: Required<Identity>
  readonly host: string
  readonly key: string
  readonly port: number
  /** @default '127.0.0.1' */
  readonly address?: string
  /** PEM. */
  readonly ca: string
  /** @default false */
  readonly webSocket?: boolean
}

/** A module that speaks MQTT as it is told. */
export function mqttModule({ identity, host, key, port, ca, webSocket }: WireLogin): Promise<MqttClient> {
  const { deviceId, moduleId } = identity
  const url = webSocket ? `wss://127.0.0.1:${port}/$iothub/websocket` : `mqtts://127.0.0.1:${port}`
  return connectAsync(url, {
    ca,
    clientId: `${deviceId}/${moduleId}`,
    username: `${host}/${deviceId}/${moduleId}/?api-version=2021-04-12`,
    password: token(identity, host, key),
    protocolVersion: 4,
    reconnectPeriod: 0,
  })
}

/** A module that speaks AMQP as it is told, let in by its token as password. */
export async function amqpModule(login: WireLogin): Promise<Connection> {
  const { identity, host, key, port, ca, webSocket, address = '127.0.0.1' } = login
  const { deviceId, moduleId } = identity
  const url = `wss://${address}:${port}/$iothub/websocket`
  const dial = rhea.websocket_connect(WebSocket as never) as unknown as (...details: unknown[]) => unknown
  const connection = rhea.create_container().connect({
    ...(webSocket
      ? { connection_details: dial(url, ['AMQPWSB10'], { ca }) }
      : { transport: 'tls', host: address, port, ca }),
    username: `${deviceId}/modules/${moduleId}@sas.${host}`,
    password: token(identity, host, key),
    reconnect: false,
  } as never)
  // That the gateway stops is no error here.
  for (const event of ['disconnected', 'sender_error', 'receiver_error']) connection.on(event, () => undefined)
  await once(connection, 'connection_open')
  return connection
}

/** Sends over AMQP. Resolves once it is accepted. */
export async function sendAmqp(connection: Connection, address: string, message: Message): Promise<void> {
  const sender = connection.open_sender(address)
  await once(sender, 'sendable')
  sender.send(message)
  await once(sender, 'accepted')
  sender.close()
}

/** Collects what comes over AMQP, by its body. */
export function collectAmqp(connection: Connection, address: string, into: Map<string, Message>): Promise<unknown> {
  const receiver = connection.open_receiver(address)
  receiver.on('message', ({ message }: EventContext) => {
    into.set((message!.body as { content: Buffer }).content.toString(), message!)
  })
  return once(receiver, 'receiver_open')
}

/** The login of a module of the edge device, made unless it is there. */
export function moduleLogin(
  cloud: TestCloud,
  moduleId: string,
  listener: Pick<WireLogin, 'port' | 'ca' | 'webSocket'>,
): WireLogin {
  if (cloud.emulator.registry.find({ deviceId: EDGE, moduleId }) === undefined) cloud.module(moduleId, '')
  const parsed = parseConnectionString(cloud.emulator.moduleConnectionString(EDGE, moduleId))
  if (parsed.kind !== 'identity' || parsed.credential.kind !== 'key') throw new Error('a key was expected')
  return { identity: { deviceId: EDGE, moduleId }, host: parsed.hostName, key: parsed.credential.key, ...listener }
}

function token(identity: Identity, host: string, key: string): string {
  return createSasToken({ resource: formatSasAudience(host, identity), key, expiresAt: Date.now() + 600_000 })
}
