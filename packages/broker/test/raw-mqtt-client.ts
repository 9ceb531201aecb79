import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createSasToken, formatSasAudience } from '@edgewright/protocol'
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet'
import { HUB_HOST, KEY } from './memory-host.js'

/** A client that sends what it is told, right or wrong, and shows what comes back. */
export class RawMqttClient {
  readonly received: Packet[] = []
  #wanted: (() => void)[] = []
  #ended = false

  private constructor(readonly socket: Socket) {
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on('packet', packet => {
      this.received.push(packet)
      this.#wake()
    })
    socket.on('data', chunk => parser.parse(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  static async to(port: number): Promise<RawMqttClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new RawMqttClient(socket)
  }

  /** Connects, logs in, and takes the CONNACK out of what was received. */
  static async login(port: number, clientId: string, options: Partial<IConnectPacket> = {}): Promise<RawMqttClient> {
    const client = await RawMqttClient.to(port)
    client.send(connectPacket(clientId, options))
    const connack = await client.next('connack')
    if (connack.cmd !== 'connack' || connack.returnCode !== 0) throw new Error(`refused: ${JSON.stringify(connack)}`)
    return client
  }

  send(...packets: readonly (Packet | Buffer)[]): void {
    const bytes = packets.map(packet => (Buffer.isBuffer(packet) ? packet : mqttPacket.generate(packet)))
    this.socket.write(Buffer.concat(bytes))
  }

  /** The next packet of a kind; what came before it is dropped. */
  async next<Command extends Packet['cmd']>(cmd: Command): Promise<Extract<Packet, { cmd: Command }>> {
    for (;;) {
      const packet = await this.any()
      if (packet.cmd === cmd) return packet as Extract<Packet, { cmd: Command }>
    }
  }

  /** The next packet. */
  async any(): Promise<Packet> {
    for (;;) {
      const packet = this.received.shift()
      if (packet !== undefined) return packet
      if (this.#ended) throw new Error('the connection ended before the packet came')
      await this.#change()
    }
  }

  /** Resolves when the other side has ended the connection; what was received stays. */
  async closed(): Promise<void> {
    while (!this.#ended) await this.#change()
  }

  destroy(): void {
    this.socket.destroy()
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#wanted.push(resolve))
  }

  #wake(): void {
    for (const wake of this.#wanted.splice(0)) wake()
  }
}

/** A CONNECT as a device or module sends it, with a token that is good. */
export function connectPacket(clientId: string, options: Partial<IConnectPacket> = {}): IConnectPacket {
  const [deviceId = '', moduleId] = clientId.split('/')
  const identity = moduleId === undefined ? { deviceId } : { deviceId, moduleId }
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: false,
    keepalive: 60,
    clientId,
    username: `${HUB_HOST}/${clientId}/?api-version=2021-04-12`,
    password: Buffer.from(token(identity)),
    ...options,
  }
}

function token(identity: { deviceId: string; moduleId?: string }): string {
  const resource = formatSasAudience(HUB_HOST, identity)
  return createSasToken({ resource, key: KEY, expiresAt: Date.now() + 3_600_000 })
}

/** A telemetry PUBLISH. */
export function telemetry(clientId: string, messageId: number, body: string | Buffer = 'x', bag = ''): Packet {
  const path = clientId.replace('/', '/modules/')
  const topic = `devices/${path}/messages/events/${bag}`
  return { cmd: 'publish', topic, payload: body, qos: messageId === 0 ? 0 : 1, messageId, dup: false, retain: false }
}
