import { Refusal } from '@edgewright/protocol'
import fc from 'fast-check'
import mqtt from 'mqtt-packet'
import { expect, test } from 'vitest'
import { MqttPacketSplitter } from './packet-splitter.js'

function publish(size: number): Buffer {
  return mqtt.generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(size, 'x'),
    qos: 0,
    dup: false,
    retain: false,
  })
}

test('packets come out whole and in order, however they were cut on the way', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400)), fc.array(fc.integer({ min: 1, max: 90 })), (sizes, cuts) => {
      const packets = sizes.map(publish)
      const stream = Buffer.concat(packets)
      const ends = new Set(packets.map((_, at) => Buffer.concat(packets.slice(0, at + 1)).length).concat(0))
      const splitter = new MqttPacketSplitter()
      let read = Buffer.alloc(0)
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const end = at + (cuts[turn % cuts.length] ?? 7)
        const whole = splitter.push(stream.subarray(at, end))
        if (whole instanceof Refusal) throw new Error(whole.reason)
        read = Buffer.concat([read, whole])
        expect(ends.has(read.length)).toBe(true)
        at = end
      }
      expect(read).toEqual(stream)
    }),
  )
})

test('a packet that claims too much, or a length without an end, is refused before it is held', () => {
  const first = publish(3)
  const claim = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])
  expect(new MqttPacketSplitter().push(Buffer.concat([first, claim]))).toMatchObject({ offset: first.length })
  expect(new MqttPacketSplitter().push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]))).toBeInstanceOf(Refusal)
})
