import type { Duplex } from 'node:stream'
import type { SessionEnd } from '@edgewright/core'
import { parseUsername, Refusal } from '@edgewright/protocol'
import type { IConnectPacket } from 'mqtt-packet'
import type { StoppableConnection } from '../connection-set.js'
import { connectLevel, decodePacket } from './packet-codec.js'
import { PacketCutter } from './packet-cutter.js'
import { PacketType } from './packet-type.js'

/** Who takes over an {@link Arrival}. */
export interface Hosts {
  /** An IoT Hub client, or whatever is no CONNECT of a plain one; the stream is as it came. */
  hub(): StoppableConnection
  /** A plain client; what came after its CONNECT is still in the stream. */
  plain(connect: IConnectPacket): StoppableConnection
}

/**
 * A connection of which is not known yet whether an IoT Hub client is at its other end: the user name of its CONNECT says
 * so. Needed only where plain clients are welcome, too.
 */
export class Arrival implements StoppableConnection {
  readonly #stream: Duplex
  readonly #hosts: Hosts
  readonly #onReadable = () => this.#read()
  readonly #onEnd = () => void this.#stream.destroy()
  /** What came so far; let go of with the first packet. */
  #first: { readonly chunks: Buffer[]; readonly cutter: PacketCutter } | undefined
  #inner: StoppableConnection | undefined

  /** @param limit - bytes of the CONNECT */
  constructor(stream: Duplex, limit: number, hosts: Hosts) {
    this.#stream = stream
    this.#hosts = hosts
    this.#first = { chunks: [], cutter: new PacketCutter(limit) }
    stream.on('readable', this.#onReadable)
    stream.on('end', this.#onEnd)
    stream.on('error', ignore)
  }

  async finish(): Promise<void> {
    await this.#inner?.finish()
  }

  close(end: SessionEnd): void {
    if (this.#inner === undefined) this.#stream.destroy()
    else this.#inner.close(end)
  }

  #read(): void {
    while (this.#first !== undefined) {
      const chunk: Buffer | null = this.#stream.read()
      if (chunk === null) return
      const { chunks, cutter } = this.#first
      chunks.push(chunk)
      cutter.append(chunk)
      const cut = cutter.next()
      if (cut === 'incomplete') continue
      this.#first = undefined
      const connect = cut === 'packet' ? plainConnect(cutter) : undefined
      const bytes = Buffer.concat(chunks)
      this.#handOver(connect, connect === undefined ? bytes : bytes.subarray(cutter.packet().length))
    }
  }

  #handOver(connect: IConnectPacket | undefined, rest: Buffer): void {
    this.#stream.off('readable', this.#onReadable)
    this.#stream.off('end', this.#onEnd)
    this.#stream.off('error', ignore)
    if (rest.length > 0) this.#stream.unshift(rest)
    this.#inner = connect === undefined ? this.#hosts.hub() : this.#hosts.plain(connect)
  }
}

/** The first packet of a connection, if it is the CONNECT of a plain client. */
function plainConnect(cutter: PacketCutter): IConnectPacket | undefined {
  const { first, bytes, start, end } = cutter
  if (first !== PacketType.connect << 4 || connectLevel(bytes, start, end) !== MQTT_3_1_1) return undefined
  const packet = decodePacket(cutter.packet())
  if (packet?.cmd !== 'connect') return undefined
  return parseUsername(packet.username ?? '') instanceof Refusal ? packet : undefined
}

function ignore(): void {}

const MQTT_3_1_1 = 4
