import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PacketCutter } from './packet-cutter.js'

/** What a cutter makes of chunks: packets as hexadecimal text, then what stopped it, if anything did. */
function cut(chunks: readonly Buffer[], limit = 1_000): string[] {
  const cutter = new PacketCutter(limit)
  const found: Buffer[] = []
  for (const chunk of chunks) {
    cutter.append(chunk)
    for (let result = cutter.next(); result !== 'incomplete'; result = cutter.next()) {
      if (result !== 'packet') return [...found.map(packet => packet.toString('hex')), result]
      found.push(cutter.packet())
    }
  }
  // Read only now, so that a packet overwritten by a later one would show.
  return found.map(packet => packet.toString('hex'))
}

function packet(length: number): Buffer {
  const header = length < 128 ? [0x30, length] : [0x30, (length & 0x7f) | 0x80, length >>> 7]
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, length)])
}

describe('PacketCutter', () => {
  test('finds the same packets however the bytes are torn', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 20 })
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(lengths, cuts, (lengths, cuts) => {
        const packets = lengths.map(packet)
        const stream = Buffer.concat(packets)
        const chunks: Buffer[] = []
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const end = Math.min(stream.length, at + cuts[turn % cuts.length]!)
          chunks.push(Buffer.from(stream.subarray(at, end)))
          at = end
        }
        expect(cut(chunks)).toEqual(packets.map(bytes => bytes.toString('hex')))
      }),
    )
  })

  test('finds packets in a stream that comes byte by byte', () => {
    const stream = Buffer.concat([packet(300), packet(0), packet(2)])
    expect(cut([...stream].map(byte => Buffer.from([byte])))).toHaveLength(3)
  })

  test('judges the length by the fixed header alone', () => {
    expect(cut([packet(10), Buffer.from([0x30, 0xe6, 0x07])])).toEqual([packet(10).toString('hex'), 'too-long'])
    expect(cut([packet(997)])).toHaveLength(1)
  })

  test('refuses a length of five bytes', () => {
    expect(cut([Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80])])).toEqual(['malformed'])
  })

  test('holds no more than twice what has come', () => {
    const cutter = new PacketCutter(1_000_000)
    cutter.append(Buffer.from([0x30, 0xff, 0xff, 0x07]))
    cutter.next()
    cutter.append(Buffer.from([0]))
    expect(cutter.bytes.length).toBeLessThanOrEqual(10)
  })
})
