// A device that sends numbered messages over a raw MQTT connection and remembers which were acknowledged.
import { once } from 'node:events'
import { connect } from 'node:net'

const IN_FLIGHT = 50
const BODY = 256

/** Sends until the connection ends; goes on with the next number when it connects again. */
export class Device {
  /** Numbers below this were sent. */
  #next = 0
  #socket

  constructor(id) {
    this.id = id
    /** @type {Set<number>} */
    this.acknowledged = new Set()
  }

  /** Connects and begins to send. A hub that dies meanwhile is no error. */
  async connect(port) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    socket.on('error', () => undefined)
    try {
      await once(socket, 'connect')
      socket.write(connectPacket(this.id))
      await once(socket, 'data')
    } catch {
      return
    }
    const numbers = new Map()
    const slot = messageId => {
      const number = this.#next++
      numbers.set(messageId, number)
      return publishPacket(this.id, messageId, number)
    }
    let rest = Buffer.alloc(0)
    socket.on('data', chunk => {
      const bytes = Buffer.concat([rest, chunk])
      const packets = []
      let at = 0
      for (; at + 4 <= bytes.length; at += 4) {
        const messageId = bytes.readUInt16BE(at + 2)
        this.acknowledged.add(numbers.get(messageId))
        packets.push(slot(messageId))
      }
      rest = bytes.subarray(at)
      socket.write(Buffer.concat(packets))
    })
    socket.write(Buffer.concat(Array.from({ length: IN_FLIGHT }, (_, index) => slot(index + 1))))
  }

  /** Sends nothing more. */
  disconnect() {
    this.#socket?.destroy()
  }
}

function connectPacket(id) {
  const protocol = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0xc0, 0, 60])
  return packet(0x10, [protocol, text(id), text(`hub/${id}/?api-version=2021-04-12`), text('any')])
}

function publishPacket(id, messageId, number) {
  const body = Buffer.from(String(number).padStart(12, '0').padEnd(BODY, '.'))
  return packet(0x32, [text(`devices/${id}/messages/events/`), Buffer.from([messageId >> 8, messageId & 255]), body])
}

function text(value) {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

function packet(first, parts) {
  const rest = Buffer.concat(parts)
  const length = []
  for (let left = rest.length; ; ) {
    const digit = left % 128
    left = Math.floor(left / 128)
    length.push(left > 0 ? digit | 128 : digit)
    if (left === 0) break
  }
  return Buffer.concat([Buffer.from([first, ...length]), rest])
}
