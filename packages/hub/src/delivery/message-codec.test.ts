import type { Message, SystemProperties } from '@edgewright/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage, storedAt } from './message-codec.js'
import { formatMessageId, MessageIds } from './message-id.js'
import { SenderStamp } from './message-stamp.js'

const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const messages: fc.Arbitrary<Message> = fc.record({
  body: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  properties: fc.array(fc.tuple(text, fc.option(text))).map(entries => new Map(entries)),
  system: fc.record(
    { messageId: text, contentType: text, outputName: text, lockToken: text, sequenceNumber: fc.nat() },
    { requiredKeys: [] },
  ) as fc.Arbitrary<SystemProperties>,
})

describe('a message in the store', () => {
  const ids = new MessageIds()
  const stamp = new SenderStamp({ deviceId: 'leaf é', moduleId: 'm' }, 'edge')
  const stored = (message: Message, id = ids.next()) =>
    encodeMessage(message.body, { properties: stamp.properties(message).encoded, id, storedAt: 1_700_000_000_123 })

  it('comes back as it was, with what the hub knows of it', () => {
    fc.assert(
      fc.property(messages, message => {
        const id = ids.next()
        const bytes = stored(message, id)
        const found = decodeMessage(bytes)
        expect(Buffer.from(found.body)).toEqual(message.body)
        expect([...found.properties]).toEqual([...message.properties])
        expect(found.system).toEqual({
          ...message.system,
          connectionDeviceId: 'leaf é',
          connectionModuleId: 'm',
          edgeHubOriginInterface: 'downstream',
          edgeMessageId: formatMessageId(id),
        })
        expect(storedAt(bytes)).toBe(1_700_000_000_123)
      }),
    )
  })

  it('has its own properties, whether or not they are the same objects as those of the one before', () => {
    const chain = fc.array(fc.tuple(messages, fc.nat({ max: 2 })), { minLength: 2, maxLength: 8 })
    fc.assert(
      fc.property(chain, steps => {
        let last = steps[0]![0]
        for (const [made, shares] of steps) {
          const system = shares > 0 ? last.system : made.system
          const properties = shares > 1 ? last.properties : made.properties
          last = { body: made.body, system, properties }
          const found = decodeMessage(stored(last))
          expect(Buffer.from(found.body)).toEqual(last.body)
          expect([...found.properties]).toEqual([...last.properties])
          expect(found.system).toMatchObject(last.system)
        }
      }),
    )
  })

  it('does not take the sender from the client', () => {
    const system = {
      connectionDeviceId: 'forged',
      edgeMessageId: 'forged',
      edgeHubOriginInterface: 'internal' as const,
    }
    const found = decodeMessage(stored({ body: Buffer.alloc(0), properties: new Map(), system }))
    expect(JSON.stringify(found.system)).not.toContain('forged')
    expect(found.system.edgeHubOriginInterface).toBe('downstream')
  })

  it('that is damaged is told as such, and nothing worse', () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat(255), fc.nat(), (message, at, value, cut) => {
        const bytes = Buffer.from(stored(message))
        bytes[at % bytes.length] = value
        try {
          decodeMessage(bytes.subarray(0, cut % (bytes.length + 1)))
        } catch (error) {
          expect(error).toMatchObject({ code: 'MESSAGE_DAMAGED' })
        }
      }),
    )
  })

  it('has an id in the form of a random UUID that is never the same twice', () => {
    const some = Array.from({ length: 100 }, () => formatMessageId(ids.next()))
    for (const id of some) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(new Set(some).size).toBe(100)
    expect(formatMessageId(new MessageIds().next())).not.toBe(formatMessageId(new MessageIds().next()))
  })
})
