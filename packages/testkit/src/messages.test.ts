import { MAX_MESSAGE_BYTES, messageSize } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { numberedMessages, randomMessages, randomNumbers } from './messages.js'

function take(count: number, seed: number) {
  const maker = randomMessages({ seed })
  return Array.from({ length: count }, () => maker.next().value)
}

describe('randomMessages', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(take(50, 7)).toEqual(take(50, 7))
    expect(take(50, 7)).not.toEqual(take(50, 8))
  })

  it('cover what matters, and may all be sent', () => {
    const messages = take(500, 1)
    expect(messages.every(message => messageSize(message) <= MAX_MESSAGE_BYTES)).toBe(true)
    expect(messages.some(({ body }) => body.byteLength === 0)).toBe(true)
    expect(messages.some(({ properties }) => properties.size === 0)).toBe(true)
    expect(messages.some(({ properties }) => [...properties.values()].includes(null))).toBe(true)
    expect(messages.some(({ properties }) => properties.has('温度'))).toBe(true)
    expect(messages.some(({ system }) => system.contentType === undefined)).toBe(true)
  })
})

describe('numberedMessages', () => {
  it('count on from where they are told', () => {
    const messages = numberedMessages(3, 10)
    expect(messages.map(({ body, system }) => [String(body), system.messageId])).toEqual([
      ['10', '10'],
      ['11', '11'],
      ['12', '12'],
    ])
  })
})

describe('randomNumbers', () => {
  it('are spread evenly from 0 to below 1', () => {
    const random = randomNumbers(3)
    const tenths = new Array<number>(10).fill(0)
    for (let i = 0; i < 10_000; i++) tenths[Math.floor(random() * 10)]!++
    expect(Math.min(...tenths)).toBeGreaterThan(900)
    expect(Math.max(...tenths)).toBeLessThan(1_100)
  })
})
