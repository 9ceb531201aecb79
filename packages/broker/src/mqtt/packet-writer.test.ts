import mqttPacket, { type Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { connack, PINGRESP, suback, unsuback } from './packet-codec.js'
import { PacketWriter } from './packet-writer.js'

function sink() {
  const written: Buffer[] = []
  return { written, write: (bytes: Buffer) => void written.push(bytes) }
}

function parse(bytes: Buffer): Packet[] {
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', packet => packets.push(packet))
  parser.on('error', error => {
    throw error
  })
  parser.parse(bytes)
  return packets
}

describe('PacketWriter', () => {
  test('writes what a parser reads, in one write', () => {
    const writer = new PacketWriter()
    const out = sink()
    writer.to(out).puback(0x1234)
    writer.publish('a/ä', Buffer.from('body'), 1, 65_535, true)
    writer.packet(PINGRESP)
    writer.publish('b', Buffer.alloc(70_000, 7), 0)
    writer.packet(suback(9, Array(126).fill(128)))
    writer.packet(unsuback(258))
    writer.packet(connack(5, false))
    writer.flush()
    expect(out.written).toHaveLength(1)
    expect(parse(out.written[0]!)).toMatchObject([
      { cmd: 'puback', messageId: 0x1234 },
      { cmd: 'publish', topic: 'a/ä', payload: Buffer.from('body'), qos: 1, messageId: 65_535, dup: true },
      { cmd: 'pingresp' },
      { cmd: 'publish', topic: 'b', payload: Buffer.alloc(70_000, 7), qos: 0, dup: false },
      { cmd: 'suback', messageId: 9, granted: Array(126).fill(128) },
      { cmd: 'unsuback', messageId: 258 },
      { cmd: 'connack', returnCode: 5, sessionPresent: false },
    ])
  })

  test('keeps packets of one sink from another', () => {
    const writer = new PacketWriter()
    const [one, other] = [sink(), sink()]
    writer.to(one).puback(1)
    writer.to(other).puback(2)
    writer.flush()
    expect(parse(one.written[0]!)).toMatchObject([{ messageId: 1 }])
    expect(parse(other.written[0]!)).toMatchObject([{ messageId: 2 }])
    expect(writer.pending).toBe(0)
  })

  test('writes thousands of acknowledgements', () => {
    const writer = new PacketWriter()
    const out = sink()
    writer.to(out)
    for (let messageId = 1; messageId <= 20_000; messageId += 1) writer.puback(messageId)
    writer.flush()
    expect(parse(Buffer.concat(out.written)).map(({ messageId }) => messageId)).toEqual(
      Array.from({ length: 20_000 }, (_, index) => index + 1),
    )
  })
})
