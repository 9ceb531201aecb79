import { connect, type TLSSocket } from 'node:tls'
import { type Identity, identityKey } from '@edgewright/core'
import mqttPacket, { type IConnackPacket, type IConnectPacket, type Packet, type PacketCmd } from 'mqtt-packet'
import type { TestEmulator } from './emulator.js'
import { identityToken } from './tokens.js'

/** A bare MQTT connection to an emulator, for what no SDK does. */
export class MqttClient implements AsyncDisposable {
  readonly socket: TLSSocket
  /** Everything that came, in order. */
  readonly received: Packet[] = []
  readonly closed: Promise<unknown>
  readonly #running: TestEmulator
  #wake: () => void = () => undefined

  constructor(running: TestEmulator, options: object = {}) {
    const { emulator, ca } = running
    this.#running = running
    this.socket = connect({ host: emulator.address, port: emulator.ports.mqtt, ca, servername: '', ...options })
    this.socket.setNoDelay(true)
    this.socket.on('error', () => undefined)
    this.closed = new Promise(resolve => this.socket.once('close', resolve))
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on('packet', (packet: Packet) => {
      this.received.push(packet)
      this.#wake()
    })
    this.socket.on('data', chunk => parser.parse(chunk))
    this.socket.on('close', () => this.#wake())
  }

  /** Connects as an identity, and gives the answer. */
  async connect(identity: Identity, fields: Partial<IConnectPacket> = {}): Promise<IConnackPacket> {
    const { hostName } = this.#running.emulator
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: identityKey(identity),
      username: `${hostName}/${identityKey(identity)}/?api-version=2021-04-12`,
      password: Buffer.from(identityToken(this.#running.emulator, identity)),
      clean: false,
      keepalive: 60,
      ...fields,
    })
    return (await this.next('connack')) as IConnackPacket
  }

  send(packet: Packet): void {
    this.socket.write(mqttPacket.generate(packet))
  }

  publish(topic: string, payload: string, messageId = 1): void {
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false })
  }

  /** Waits for the next packet of a kind and takes it. @throws when the connection ends first */
  async next(cmd: PacketCmd): Promise<Packet> {
    for (;;) {
      const index = this.received.findIndex(packet => packet.cmd === cmd)
      if (index >= 0) return this.received.splice(index, 1)[0] as Packet
      if (this.socket.destroyed) throw new Error(`closed before a ${cmd}`)
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.closed
  }
}
