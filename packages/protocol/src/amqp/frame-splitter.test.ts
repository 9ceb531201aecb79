import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AmqpFrameSplitter, Refusal } from '../index.js'

function frame(size: number): Buffer {
  const bytes = Buffer.alloc(size, size & 0xff)
  bytes.writeUInt32BE(size)
  return bytes
}

const HEADER = Buffer.from('AMQP\0\x01\0\0', 'latin1')

test('frames come out whole and in order, however they were cut on the way', () => {
  const frames = fc.array(fc.integer({ min: 8, max: 300 }), { maxLength: 20 })
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 60 })), (sizes, cuts) => {
      const stream = Buffer.concat([HEADER, ...sizes.map(frame)])
      const splitter = new AmqpFrameSplitter(512)
      const ends = new Set([0, 8])
      for (const [at] of sizes.entries()) ends.add(8 + sizes.slice(0, at + 1).reduce((a, b) => a + b))
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

test('a frame that claims too much or too little is refused before it is held', () => {
  const claim = Buffer.alloc(4)
  claim.writeUInt32BE(0x7fff_ffff)
  const splitter = new AmqpFrameSplitter()
  expect(splitter.push(Buffer.concat([HEADER, frame(8), claim]))).toMatchObject({
    offset: 16,
    reason: 'a frame is larger than agreed',
  })
  expect(new AmqpFrameSplitter().push(Buffer.alloc(4))).toMatchObject({
    offset: 0,
    reason: expect.stringContaining('shorter'),
  })
})
